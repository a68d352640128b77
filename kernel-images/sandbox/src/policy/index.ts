export { policyBytes } from './assemble.js';

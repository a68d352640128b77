export { readWorkspace } from './read-workspace.js';

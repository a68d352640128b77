export { removeTree } from './remove-tree.js';

export { LayoutStore } from './layout-store.js';

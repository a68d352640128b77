export { LayoutStore, isLayout } from './layout-store.js';

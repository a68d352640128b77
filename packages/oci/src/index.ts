export { LayoutStore } from './layout/layout-store.js';
export { packageImage } from './revision/package-image.js';

export { packageImage } from './package-image.js';

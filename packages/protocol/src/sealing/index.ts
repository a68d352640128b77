export { FileKeyIdentity, openWith, openWithFileKey } from './age.js';
export { type SealedOutput, openOutput, sealOutput } from './output.js';
export { unpadContent } from './padding.js';

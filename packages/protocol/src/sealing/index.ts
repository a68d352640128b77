export { FileKeyIdentity, openWith, openWithFileKey } from './age.js';
export { type SealedOutput, openOutput, sealOutput, unpadContent } from './output.js';

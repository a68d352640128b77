export { releaseKeyOf, requireKernelImage, requireKnownRoots, type KernelImageUse } from './accept.js';
export { KernelImageStatement, SBOM_FORMAT } from './kernel-image.js';
export {
  KernelImageRevocations,
  openRevocations,
  requireLaterRevocations,
  requireNotRevoked,
  revocationOf,
  type RevokedKernelImage
} from './revocations.js';

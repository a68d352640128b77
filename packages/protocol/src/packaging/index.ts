export { type RevisionImage, composeImage, revisionLayer } from './compose.js';
export { verifyComposition } from './composition.js';
export { type RevisionFile, heldFile } from './file.js';
export {
  type ImageFiles,
  type KernelImageDocuments,
  type KernelImageFiles,
  LAUNCH_POLICY_LABELS,
  type ComposedImage,
  imageOver,
  readKernelImage
} from './image.js';
export {
  CONFIG_TYPE,
  ImageConfig,
  LAYER_TYPE,
  MANIFEST_MAX_BYTES,
  MANIFEST_TYPE,
  Manifest,
  readImageConfig,
  readManifest
} from './oci.js';
export { type TarEntry, layerBytes, tarSize, writeTar } from './tar.js';
export { WORKSPACE_LIMITS, checkWorkspace, checkWorkspacePath } from './workspace.js';

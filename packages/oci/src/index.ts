export { LayoutStore } from './layout/layout-store.js';
export { dockerCredentials, type Credential, type Credentials } from './registry/credentials.js';
export { RegistryStore, type RegistryOptions } from './registry/registry-store.js';
export { copyImage, packageImage, type PackageOptions } from './revision/package-image.js';
export type { ByteSource, ImageStore, NewLayer } from './store.js';
export { readWorkspace } from './workspace/read-workspace.js';

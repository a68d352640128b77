export * from './notebook/index.js';
export type { DisplayMetadata, ErrorContent, JsonValue, MimeBundle, StreamName } from './frames/index.js';
export type { SandboxLimits, SandboxProfile } from './warden/index.js';
export * from './image/index.js';
export * from './probe/index.js';

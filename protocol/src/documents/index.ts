export * from './canonical.js';
export * from './document.js';
export { Envelope, openEnvelope, preAuthenticationEncoding, signEnvelope } from './dsse.js';
export * from './fields.js';
export * from './json.js';
export * from './keys.js';
export * from './signatures-ahead.js';

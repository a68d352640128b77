export { type ConfidentialSpaceClaims, nonces, type TokenClaims } from './claims.js';
export { HARDWARE_ROOTS, type HardwareRoot } from './hardware-roots.js';
export type { TokenExpectations, TokenRequest } from './request.js';
export {
  type AttestationTrust,
  GOOGLE_ISSUER,
  type IssuerKeys,
  type PkiRoot,
  SIMULATED_HARDWARE,
  SIMULATOR_ISSUER
} from './trust.js';
export type { TokenAppraisal } from './steps.js';
export { verifyToken } from './verify.js';

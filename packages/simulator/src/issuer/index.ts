export type { TokenSubject } from './claims.js';
export { TokenIssuer } from './issuer.js';

export { TOKEN_LIFE_SECONDS, type ContainerClaims, type Machine, type TokenSubject } from './claims.js';
export { openIdentity, type SimulatorIdentity } from './identity.js';
export { TokenIssuer, type TokenOrder } from './issuer.js';

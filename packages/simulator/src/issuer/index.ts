export { TokenIssuer, type Machine, type TokenSubject } from './token-issuer.js';

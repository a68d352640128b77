export { TokenIssuer, type TokenSubject } from './token-issuer.js';

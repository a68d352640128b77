export { bootGuest, type Guest, type GuestOptions } from './guest.js';
export type { StoredImage } from '../launcher/launcher.js';
export type { LauncherLogEntry } from '../launcher/log.js';
export { AttestationService, ServiceError, regionOf } from '../launcher/service.js';
export type { TokenContents, TokenSource, TokenSubject } from '../issuer/token-issuer.js';

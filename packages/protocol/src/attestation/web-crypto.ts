import { CleanRoomError } from '../errors/index.js';

/**
 * WebCrypto, or words that say why there is none: browsers hide it from pages that did not come over HTTPS or from
 * this machine.
 *
 * @throws CleanRoomError `unavailable`
 */
export function requireWebCrypto(): SubtleCrypto {
  const subtle = (globalThis as { crypto?: Partial<Crypto> }).crypto?.subtle;
  if (subtle === undefined) {
    throw new CleanRoomError(
      'unavailable',
      'This page has no access to WebCrypto, so no signature can be checked here.',
      { remedy: 'Open it over HTTPS or as localhost, or use `clean-room attestation inspect`.' }
    );
  }
  return subtle;
}

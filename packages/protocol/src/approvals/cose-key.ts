import { concat } from '../bytes/encoding.js';
import { CleanRoomError } from '../errors/index.js';

/** A passkey's public key: an uncompressed P-256 point (65 bytes) or an Ed25519 key (32 bytes). */
export interface CoseKey {
  readonly algorithm: 'ES256' | 'EdDSA';
  readonly point: Uint8Array;
}

function throwMalformed(): never {
  throw new CleanRoomError('malformed', 'The passkey is not a COSE key of an accepted type (ES256, EdDSA).');
}

/**
 * Reads the subset of CBOR that a COSE_Key needs (RFC 9052, section 7): one flat map from small integers to integers and byte
 * strings. It refuses everything else, so that no general CBOR parser is exposed to untrusted bytes.
 */
function readFlatMap(bytes: Uint8Array): Map<number, number | Uint8Array> {
  let offset = 0;
  const next = (): number => bytes[offset++] ?? throwMalformed();
  const argument = (info: number): number => {
    if (info < 24) return info;
    if (info === 24) return next();
    if (info === 25) return next() * 256 + next();
    return throwMalformed();
  };
  const item = (): number | Uint8Array => {
    const head = next();
    const value = argument(head & 0x1f);
    switch (head >> 5) {
      case 0:
        return value;
      case 1:
        return -1 - value;
      case 2: {
        const data = bytes.slice(offset, offset + value);
        if (data.length !== value) throwMalformed();
        offset += value;
        return data;
      }
      default:
        return throwMalformed();
    }
  };
  const head = next();
  if (head >> 5 !== 5) throwMalformed();
  const map = new Map<number, number | Uint8Array>();
  for (let left = argument(head & 0x1f); left > 0; left--) {
    const label = item();
    if (typeof label !== 'number' || map.has(label)) throwMalformed();
    map.set(label, item());
  }
  if (offset !== bytes.length) throwMalformed();
  return map;
}

/**
 * Reads a passkey's public key from its COSE_Key bytes.
 *
 * @throws CleanRoomError `malformed` unless it is an ES256 key on P-256 or an EdDSA key on Ed25519
 */
export function readCoseKey(bytes: Uint8Array): CoseKey {
  const map = readFlatMap(bytes);
  const [type, algorithm, curve, x, y] = [1, 3, -1, -2, -3].map(label => map.get(label));
  if (!(x instanceof Uint8Array) || x.length !== 32) throwMalformed();
  if (type === 2 && algorithm === -7 && curve === 1 && y instanceof Uint8Array && y.length === 32) {
    return { algorithm: 'ES256', point: concat(Uint8Array.of(4), x, y) };
  }
  if (type === 1 && algorithm === -8 && curve === 6) return { algorithm: 'EdDSA', point: x };
  return throwMalformed();
}

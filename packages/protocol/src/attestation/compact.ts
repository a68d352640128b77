import { fromBase64Url, fromUtf8 } from '../bytes/encoding.js';
import { isJsonObject, type JsonObject } from '../documents/json.js';
import { fail, pass, quote, type StepOutcome } from './steps.js';

/** The longest accepted token. Real tokens have 3 to 12 KB. */
const MAXIMUM_LENGTH = 64 * 1024;

/** The header and payload of a token. Nothing about them has been verified. */
export interface CompactToken {
  readonly header: JsonObject;
  readonly payload: JsonObject;
}

/** Splits a token in JWS compact form, without verifying it. Returns `undefined` if it does not have this form. */
export function splitToken(token: string): CompactToken | undefined {
  if (token.length > MAXIMUM_LENGTH) return undefined;
  const parts = token.split('.');
  const [header, payload, signature] = parts;
  if (parts.length !== 3 || header === undefined || payload === undefined || signature === undefined) {
    return undefined;
  }
  try {
    fromBase64Url(signature);
    const [head, body] = [header, payload].map(part => JSON.parse(fromUtf8(fromBase64Url(part))) as unknown);
    return isJsonObject(head) && isJsonObject(body) ? { header: head, payload: body } : undefined;
  } catch {
    return undefined;
  }
}

/** Header fields with which a token could choose the key or the rules that it is verified by. */
const REFUSED_HEADERS = ['jwk', 'jku', 'x5u', 'crit', 'b64', 'zip', 'enc', 'epk', 'p2c', 'apu', 'apv'];

/** Checks that a header names RS256, contains no key or rules of its own, and has no certificates or exactly three. */
export function checkHeader(header: JsonObject): StepOutcome {
  if (header['alg'] !== 'RS256')
    return fail('algorithm-refused', `The algorithm is ${quote(header['alg'])}.`);
  const refused = REFUSED_HEADERS.find(name => name in header);
  if (refused !== undefined) return fail('header-refused', `The header has the field ${quote(refused)}.`);
  if ('typ' in header && header['typ'] !== 'JWT') {
    return fail('header-refused', `The type is ${quote(header['typ'])}.`);
  }
  if (!('x5c' in header)) return pass('RS256, with a key of the issuer (OIDC).');
  const { x5c } = header;
  if (!Array.isArray(x5c) || x5c.length !== 3 || !x5c.every(entry => typeof entry === 'string')) {
    return fail(
      'x5c-count',
      Array.isArray(x5c)
        ? `The token must have three certificates as text; it has ${x5c.length} entries.`
        : 'The certificates of the token are not a list.'
    );
  }
  return pass('RS256, with a chain of three certificates (PKI).');
}

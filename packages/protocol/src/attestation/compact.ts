import { fromBase64Url, fromUtf8 } from '../bytes/encoding.js';
import { fail, pass, quote, type StepOutcome } from './steps.js';

/** Real tokens have 3 to 12 KB. */
const MAXIMUM_LENGTH = 64 * 1024;

export type JsonObject = Readonly<Record<string, unknown>>;

export interface CompactToken {
  readonly header: JsonObject;
  readonly payload: JsonObject;
}

/** Takes a token of the compact form apart, believing nothing of it; `undefined` if it has not that form. */
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
    return isObject(head) && isObject(body) ? { header: head, payload: body } : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** With any of these a token would choose by which rules it is judged. */
const REFUSED_HEADERS = ['jwk', 'jku', 'x5u', 'crit', 'b64', 'zip', 'enc', 'epk', 'p2c', 'apu', 'apv'];

export function checkHeader(header: JsonObject): StepOutcome {
  if (header['alg'] !== 'RS256')
    return fail('algorithm-refused', `The algorithm is ${quote(header['alg'])}.`);
  const refused = REFUSED_HEADERS.find(name => name in header);
  if (refused !== undefined) return fail('header-refused', `The header has the field ${quote(refused)}.`);
  if ('typ' in header && header['typ'] !== 'JWT') {
    return fail('header-refused', `The type is ${quote(header['typ'])}.`);
  }
  if (!('x5c' in header)) return pass('RS256, signed by a key of the issuer (OIDC).');
  const { x5c } = header;
  if (!Array.isArray(x5c) || x5c.length !== 3 || !x5c.every(entry => typeof entry === 'string')) {
    return fail(
      'x5c-count',
      `The token brings ${Array.isArray(x5c) ? x5c.length : 'no list of'} certificates, not three.`
    );
  }
  return pass('RS256, signed by a key with three certificates (PKI).');
}

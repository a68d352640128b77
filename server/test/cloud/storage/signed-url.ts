import { createHash, createPublicKey, verify } from 'node:crypto';
import { ApiError } from '../http/api-error.js';
import type { Call } from '../http/api-server.js';
import type { AccountOptions, Accounts } from '../identity/accounts.js';

/** Settings of the check of signed URLs. */
export interface SignedUrlRules {
  readonly accounts: Accounts;
  /** The time in milliseconds. */
  readonly now: number;
  /** The longest validity in seconds. Google allows seven days; the clean room promises less. */
  readonly longestSeconds: number;
}

const ALGORITHM = 'GOOG4-RSA-SHA256';

function refuse(status: number, code: string, message: string): never {
  throw new ApiError(status, code, message);
}

/** Encodes as RFC 3986 says: everything but unreserved characters. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`
  );
}

/** Returns the canonical request of a call, without its signature. */
function canonicalRequest(call: Call, signedHeaders: readonly string[], host: string): string {
  const query = [...call.url.searchParams]
    .filter(([name]) => name !== 'X-Goog-Signature')
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort();
  const headers = signedHeaders.map(name => {
    const value = name === 'host' ? host : call.headers[name];
    if (value === undefined) {
      refuse(
        400,
        'MalformedSecurityHeader',
        `Header ${name} was included in signedheaders, but not in the request.`
      );
    }
    return `${name}:${String(value).trim().replace(/\s+/g, ' ')}\n`;
  });
  const payload = call.headers['x-goog-content-sha256'];
  return [
    call.method,
    call.url.pathname,
    query.join('&'),
    headers.join(''),
    signedHeaders.join(';'),
    signedHeaders.includes('x-goog-content-sha256') ? String(payload) : 'UNSIGNED-PAYLOAD'
  ].join('\n');
}

function timeOf(date: string): number {
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date) ?? [];
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

function checkTime(date: string, seconds: number, { now, longestSeconds }: SignedUrlRules): void {
  const signed = timeOf(date);
  if (Number.isNaN(signed) || !Number.isInteger(seconds) || seconds < 1) {
    refuse(400, 'MalformedSecurityHeader', 'The date or the validity of the signature is malformed.');
  }
  if (seconds > longestSeconds) {
    refuse(
      400,
      'AuthorizationQueryParametersError',
      `X-Goog-Expires must be at most ${longestSeconds} seconds.`
    );
  }
  if (now > signed + seconds * 1000) refuse(400, 'ExpiredToken', 'The provided token has expired.');
  // Clocks may differ by up to 15 minutes.
  if (signed > now + 15 * 60_000) refuse(403, 'AccessDenied', 'The signature is not valid yet.');
}

/** Checks the SHA-256 of the body, if it is part of the signature. */
function checkPayload(call: Call): void {
  const declared = call.headers['x-goog-content-sha256'];
  if (declared === undefined || declared === 'UNSIGNED-PAYLOAD') return;
  if (createHash('sha256').update(call.body).digest('hex') === declared) return;
  refuse(
    400,
    'ContentSHA256Mismatch',
    "The provided 'x-goog-content-sha256' header does not match what was computed."
  );
}

/**
 * Verifies a V4 signature in the query of a request (cloud.google.com/storage/docs/authentication/signatures).
 *
 * @returns the account that signed, with whose rights the request is made
 * @throws ApiError with the code of the XML API
 */
export function verifySignedUrl(call: Call, rules: SignedUrlRules): AccountOptions {
  const parameter = (name: string): string => {
    const values = call.url.searchParams.getAll(`X-Goog-${name}`);
    if (values.length !== 1) refuse(400, 'MalformedSecurityHeader', `X-Goog-${name} is missing or repeated.`);
    return values[0] ?? '';
  };
  if (parameter('Algorithm') !== ALGORITHM) refuse(400, 'InvalidArgument', 'Unknown signing algorithm.');
  const date = parameter('Date');
  const [email = '', ...scope] = parameter('Credential').split('/');
  if (
    scope.length !== 4 ||
    scope[0] !== date.slice(0, 8) ||
    scope.slice(2).join('/') !== 'storage/goog4_request'
  ) {
    refuse(400, 'InvalidArgument', 'The credential scope is invalid.');
  }
  checkTime(date, Number(parameter('Expires')), rules);
  const signedHeaders = parameter('SignedHeaders').split(';');
  const unsigned = Object.keys(call.headers).find(
    name => (name === 'host' || name.startsWith('x-goog-')) && !signedHeaders.includes(name)
  );
  if (unsigned !== undefined) refuse(400, 'MalformedSecurityHeader', `The header ${unsigned} is not signed.`);
  const account = rules.accounts.find(email);
  if (account === undefined) refuse(403, 'InvalidSecurity', 'The account of the credential does not exist.');
  const key = createPublicKey(rules.accounts.signingKey(email).key);
  const signature = Buffer.from(parameter('Signature'), 'hex');
  const isSigned = (host: string): boolean => {
    const hash = createHash('sha256')
      .update(canonicalRequest(call, signedHeaders, host))
      .digest('hex');
    const stringToSign = [ALGORITHM, date, scope.join('/'), hash].join('\n');
    return verify('sha256', Buffer.from(stringToSign), key, signature);
  };
  // Google's own library signs the host without a port, since Google's has none.
  const { host = '' } = call.headers;
  if (!isSigned(host) && !isSigned(host.replace(/:\d+$/, ''))) {
    refuse(
      403,
      'SignatureDoesNotMatch',
      'Access denied. The calculated signature does not match the one provided.'
    );
  }
  checkPayload(call);
  return account;
}

/** How a registry asks clients to authenticate: RFC 7235, with the token scheme of the distribution specification. */
export type AuthenticationChallenge = { readonly scheme: 'basic' } | BearerChallenge;

/** A challenge that asks for a token from the token service at `realm`. */
export interface BearerChallenge {
  readonly scheme: 'bearer';
  readonly realm: string;
  readonly service: string | undefined;
}

const CHALLENGE = /([A-Za-z]+)((?:[ ,]+[A-Za-z_-]+=(?:"(?:[^"\\]|\\.)*"|[^\s",]+))*)/g;
const PARAMETER = /([A-Za-z_-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))/g;

function parametersOf(text: string): Map<string, string> {
  const parameters = new Map<string, string>();
  for (const [, name = '', quoted, plain] of text.matchAll(PARAMETER))
    parameters.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? plain ?? '');
  return parameters;
}

/**
 * Parses a `WWW-Authenticate` header and returns the challenge to answer. A token is preferred to a password.
 *
 * @returns undefined if the header contains neither
 */
export function parseChallenge(header: string | undefined): AuthenticationChallenge | undefined {
  let basic: AuthenticationChallenge | undefined;
  for (const [, scheme = '', rest = ''] of (header ?? '').slice(0, 8192).matchAll(CHALLENGE)) {
    const parameters = parametersOf(rest);
    const realm = parameters.get('realm');
    if (scheme.toLowerCase() === 'bearer' && realm !== undefined)
      return { scheme: 'bearer', realm, service: parameters.get('service') };
    if (scheme.toLowerCase() === 'basic') basic = { scheme: 'basic' };
  }
  return basic;
}

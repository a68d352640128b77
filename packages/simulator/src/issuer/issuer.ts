import { SignJWT } from 'jose';
import { makeClaims, type TokenSubject } from './claims.js';
import type { SimulatorIdentity } from './identity.js';

export interface TokenContents {
  readonly kind: 'oidc' | 'pki';
  readonly audience: string;
  readonly nonces: readonly string[];
}

/** What the attestation service is to a launcher: it knows machine and container, and signs what is asked. */
export class TokenIssuer {
  constructor(
    private readonly identity: SimulatorIdentity,
    private readonly subject: TokenSubject,
    private readonly clock: () => Date = () => new Date()
  ) {}

  async issue({ kind, audience, nonces }: TokenContents): Promise<string> {
    const { identity } = this;
    const claims = makeClaims(this.subject, audience, nonces, this.clock());
    const header =
      kind === 'pki'
        ? { alg: 'RS256', kid: identity.pkiKeyId, typ: 'JWT', x5c: [...identity.x5c] }
        : { alg: 'RS256', kid: identity.oidcKeyId, typ: 'JWT' };
    return new SignJWT(claims)
      .setProtectedHeader(header)
      .sign(kind === 'pki' ? identity.pkiKey : identity.oidcKey);
  }
}

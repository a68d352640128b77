import { compactVerify, importJWK, type JWK } from 'jose';
import { certificateBytes, parseCertificate } from './certificate.js';
import { checkValidity, rsaProblem, walkChain, type CertificateChain } from './chain.js';
import { ChainFailure } from './chain-failure.js';
import { claimsProblem } from './claims.js';
import type { JsonObject } from './compact.js';
import type { TokenRequest } from './request.js';
import { GOOGLE_ISSUER, SIMULATOR_ISSUER, type PkiRoot } from './trust.js';
import { fail, pass, quote, type StepOutcome, type StepId } from './steps.js';
import { requireWebCrypto } from './web-crypto.js';

/** What the steps find on their way and hand on. */
export interface TokenEvidence {
  readonly token: string;
  readonly header: JsonObject;
  readonly payload: JsonObject;
  readonly request: TokenRequest;
  chain?: CertificateChain;
  root?: PkiRoot;
  key?: CryptoKey;
}

export interface AuthenticityStep {
  readonly id: StepId;
  readonly take: (evidence: TokenEvidence) => StepOutcome | Promise<StepOutcome>;
}

const issuer: AuthenticityStep = {
  id: 'issuer',
  take: ({ payload: { iss } }) =>
    iss === GOOGLE_ISSUER || iss === SIMULATOR_ISSUER
      ? pass(`Issued by ${iss}.`)
      : fail('issuer-unknown', `The issuer is ${quote(iss)}.`)
};

const key: AuthenticityStep = {
  id: 'key',
  async take(evidence) {
    const { header, payload, request } = evidence;
    const known = (request.trust.jwks ?? [])
      .filter(entry => entry.issuer === payload['iss'])
      .flatMap(entry => entry.keys)
      .filter(jwk => typeof jwk.kid === 'string' && jwk.kid === header['kid']);
    const [jwk, ...others] = known;
    if (jwk === undefined || others.length > 0) {
      return fail(
        'key-unknown',
        `Of the issuer’s known keys, ${known.length} are named ${quote(header['kid'])}.`
      );
    }
    const imported = await importKey(jwk);
    if (typeof imported === 'string') return fail('key-refused', `The issuer’s key ${imported}.`);
    evidence.key = imported;
    return pass(`Key ${quote(jwk.kid)}.`);
  }
};

async function importKey(jwk: JWK): Promise<CryptoKey | string> {
  if (jwk.kty !== 'RSA' || (jwk.use ?? 'sig') !== 'sig' || (jwk.alg ?? 'RS256') !== 'RS256' || 'd' in jwk) {
    return 'is no public RSA key for RS256';
  }
  try {
    const imported = await importJWK({ kty: 'RSA', n: jwk.n ?? '', e: jwk.e ?? '' }, 'RS256');
    if (imported instanceof Uint8Array) return 'is no public RSA key for RS256';
    return rsaProblem(imported) ?? imported;
  } catch {
    return 'can not be read';
  }
}

const certificates: AuthenticityStep = {
  id: 'certificates',
  take: evidence =>
    walking(() => {
      const { x5c } = evidence.header as { readonly x5c: readonly [string, string, string] };
      const read = (entry: string, name: string) => {
        try {
          return parseCertificate(certificateBytes(entry));
        } catch (error) {
          if (!(error instanceof ChainFailure)) throw error;
          throw new ChainFailure(error.code, `The ${name} certificate ${error.message}.`, { cause: error });
        }
      };
      evidence.chain = [read(x5c[0], 'leaf'), read(x5c[1], 'intermediate'), read(x5c[2], 'root')];
      return 'Three certificates of X.509 version 3.';
    })
};

const root: AuthenticityStep = {
  id: 'root',
  take(evidence) {
    const { digest } = present(evidence.chain)[2];
    const found = evidence.request.trust.pkiRoots.find(({ sha256 }) => sha256 === digest);
    if (found === undefined)
      return fail('root-unknown', `The chain ends in ${digest}, which is not trusted.`);
    const issuerOfRoot = found.kind === 'hardware' ? GOOGLE_ISSUER : SIMULATOR_ISSUER;
    if (evidence.payload['iss'] !== issuerOfRoot) {
      return fail(
        'root-issuer-mismatch',
        `A ${found.kind} root does not vouch for ${quote(evidence.payload['iss'])}.`
      );
    }
    evidence.root = found;
    return pass(`Root ${digest} (${found.kind}).`);
  }
};

const chain: AuthenticityStep = {
  id: 'chain',
  take: evidence =>
    walking(async () => {
      evidence.key = await walkChain(present(evidence.chain));
      return 'Leaf, intermediate and root belong together.';
    })
};

const certificateTimes: AuthenticityStep = {
  id: 'certificate-times',
  take: evidence =>
    walking(() => {
      const certificateChain = present(evidence.chain);
      checkValidity(certificateChain, evidence.request.at);
      const ends = Math.min(...certificateChain.map(({ notAfter }) => notAfter.getTime()));
      return `The first of them ends at ${new Date(ends).toISOString()}.`;
    })
};

const signature: AuthenticityStep = {
  id: 'signature',
  async take({ token, key: signer }) {
    const verified = await compactVerify(token, present(signer), { algorithms: ['RS256'] }).then(
      () => true,
      () => false
    );
    return verified
      ? pass('The token is as its issuer signed it.')
      : fail('signature-invalid', 'The token was changed, or signed by another key.');
  }
};

const claims: AuthenticityStep = {
  id: 'claims',
  take({ payload }) {
    const problem = claimsProblem(payload);
    return problem === undefined
      ? pass('Every known claim has its type.')
      : fail('claims-malformed', `The claims are not of the expected form: ${problem}.`);
  }
};

async function walking(walk: () => string | Promise<string>): Promise<StepOutcome> {
  try {
    return pass(await walk());
  } catch (error) {
    if (error instanceof ChainFailure) return fail(error.code, error.message);
    throw error;
  }
}

/** A step is only taken after those it rests on have passed. */
function present<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError('A step was taken out of order.');
  return value;
}

/** The steps that establish who speaks, in order. Each needs the one before. */
export function authenticitySteps(kind: 'oidc' | 'pki'): readonly AuthenticityStep[] {
  requireWebCrypto();
  const signer = kind === 'pki' ? [certificates, root, chain, certificateTimes] : [key];
  return [issuer, ...signer, signature, claims];
}

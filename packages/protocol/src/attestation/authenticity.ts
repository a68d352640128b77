import { compactVerify, importJWK, type JWK } from 'jose';
import { certificateBytes, ChainFailure, parseCertificate } from './certificate.js';
import { checkValidity, requireWebCrypto, rsaProblem, verifyChain, type CertificateChain } from './chain.js';
import { claimsProblem } from './claims.js';
import type { JsonObject } from '../documents/json.js';
import type { TokenRequest } from './request.js';
import { GOOGLE_ISSUER, SIMULATOR_ISSUER, type PkiRoot } from './trust.js';
import { fail, pass, quote, type StepOutcome, type StepId } from './steps.js';

/** A token, and what the steps have found out about it so far. */
export interface TokenEvidence {
  readonly token: string;
  readonly header: JsonObject;
  readonly payload: JsonObject;
  readonly request: TokenRequest;
  chain?: CertificateChain;
  root?: PkiRoot;
  key?: CryptoKey;
}

/** A step that finds out who issued a token. */
export interface AuthenticityStep {
  readonly id: StepId;
  readonly check: (evidence: TokenEvidence) => StepOutcome | Promise<StepOutcome>;
}

const issuer: AuthenticityStep = {
  id: 'issuer',
  check: ({ payload: { iss } }) =>
    iss === GOOGLE_ISSUER || iss === SIMULATOR_ISSUER
      ? pass(`Issued by ${iss}.`)
      : fail('issuer-unknown', `The issuer is ${quote(iss)}.`)
};

const key: AuthenticityStep = {
  id: 'key',
  async check(evidence) {
    const { header, payload, request } = evidence;
    const known = (request.trust.jwks ?? [])
      .filter(entry => entry.issuer === payload['iss'])
      .flatMap(entry => entry.keys)
      .filter(jwk => typeof jwk.kid === 'string' && jwk.kid === header['kid']);
    const [jwk, ...others] = known;
    if (jwk === undefined || others.length > 0) {
      return fail(
        'key-unknown',
        `Of the issuer’s known keys, ${known.length} have the ID ${quote(header['kid'])}; exactly one must have it.`
      );
    }
    const imported = await importKey(jwk);
    if (typeof imported === 'string') return fail('key-refused', `The issuer’s key ${imported}.`);
    evidence.key = imported;
    return pass(`Key ${quote(jwk.kid)}.`);
  }
};

/** Imports an RSA key for RS256. Returns a description of the problem, as a predicate, if that is not possible. */
async function importKey(jwk: JWK): Promise<CryptoKey | string> {
  if (jwk.kty !== 'RSA' || (jwk.use ?? 'sig') !== 'sig' || (jwk.alg ?? 'RS256') !== 'RS256' || 'd' in jwk) {
    return 'is not a public RSA key for RS256';
  }
  try {
    const imported = await importJWK({ kty: 'RSA', n: jwk.n ?? '', e: jwk.e ?? '' }, 'RS256');
    if (imported instanceof Uint8Array) return 'is not a public RSA key for RS256';
    return rsaProblem(imported) ?? imported;
  } catch {
    return 'cannot be read';
  }
}

const certificates: AuthenticityStep = {
  id: 'certificates',
  check: evidence =>
    reportFailure(() => {
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
  check(evidence) {
    const { digest } = present(evidence.chain)[2];
    const found = evidence.request.trust.pkiRoots.find(({ sha256 }) => sha256 === digest);
    if (found === undefined) return fail('root-unknown', `The root certificate ${digest} is not trusted.`);
    const issuerOfRoot = found.kind === 'hardware' ? GOOGLE_ISSUER : SIMULATOR_ISSUER;
    if (evidence.payload['iss'] !== issuerOfRoot) {
      return fail(
        'root-issuer-mismatch',
        `A ${found.kind} root cannot be used with the issuer ${quote(evidence.payload['iss'])}.`
      );
    }
    evidence.root = found;
    return pass(`Root ${digest} (${found.kind}).`);
  }
};

const chain: AuthenticityStep = {
  id: 'chain',
  check: evidence =>
    reportFailure(async () => {
      evidence.key = await verifyChain(present(evidence.chain));
      return 'Each certificate is signed by the next.';
    })
};

const certificateTimes: AuthenticityStep = {
  id: 'certificate-times',
  check: evidence =>
    reportFailure(() => {
      const certificateChain = present(evidence.chain);
      checkValidity(certificateChain, evidence.request.at);
      const ends = Math.min(...certificateChain.map(({ notAfter }) => notAfter.getTime()));
      return `The first of them expires at ${new Date(ends).toISOString()}.`;
    })
};

const signature: AuthenticityStep = {
  id: 'signature',
  async check({ token, key: signer }) {
    const verified = await compactVerify(token, present(signer), { algorithms: ['RS256'] }).then(
      () => true,
      () => false
    );
    return verified
      ? pass('The token is unchanged since its issuer signed it.')
      : fail('signature-invalid', 'The token was changed, or is signed by another key.');
  }
};

const claims: AuthenticityStep = {
  id: 'claims',
  check({ payload }) {
    const problem = claimsProblem(payload);
    return problem === undefined
      ? pass('Every known claim has the expected type.')
      : fail('claims-malformed', `The claims do not have the expected form: ${problem}.`);
  }
};

/** Runs a check of the certificate chain, and returns a {@link ChainFailure} that it throws as a failed step. */
async function reportFailure(check: () => string | Promise<string>): Promise<StepOutcome> {
  try {
    return pass(await check());
  } catch (error) {
    if (error instanceof ChainFailure) return fail(error.code, error.message);
    throw error;
  }
}

/** Returns a value that an earlier step has found. A step runs only after those that it depends on have passed. */
function present<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError('A step ran before the steps that it depends on.');
  return value;
}

/**
 * Returns the steps that find out who issued a token, in order. Each needs the previous one.
 *
 * @throws CleanRoomError `unavailable` where WebCrypto does not exist
 */
export function authenticitySteps(kind: 'oidc' | 'pki'): readonly AuthenticityStep[] {
  requireWebCrypto();
  const signer = kind === 'pki' ? [certificates, root, chain, certificateTimes] : [key];
  return [issuer, ...signer, signature, claims];
}

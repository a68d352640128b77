import { CleanRoomError } from '../errors/index.js';
import { authenticitySteps, type TokenEvidence } from './authenticity.js';
import { areClaims, type ConfidentialSpaceClaims } from './claims.js';
import type { JsonObject } from '../documents/json.js';
import { checkHeader, splitToken } from './compact.js';
import { APPRAISAL_STEPS } from './appraisal.js';
import type { AppraisalSubject, TokenRequest } from './request.js';
import { SIMULATED_HARDWARE, SIMULATOR_ISSUER, type PkiRoot } from './trust.js';
import {
  fail,
  pass,
  STEPS,
  type StepOutcome,
  type StepId,
  type StepResult,
  type TokenAppraisal
} from './steps.js';

/**
 * Verifies a Confidential Space token, OIDC or PKI, and reports every step in the order of {@link STEPS}. The result depends only
 * on the arguments: it does not use a clock, a network or built-in trust. A bad token is not an exception: the result then has
 * `ok` false, and its failed steps say why.
 *
 * @throws CleanRoomError `unavailable` where WebCrypto does not exist
 * @throws CleanRoomError `malformed` when `request.at` is not a valid date
 *
 * @example
 * This token is signed with a key of our own, so that the example can verify it. A token of a TEE is verified in the same way,
 * with `trust: { pkiRoots: HARDWARE_ROOTS }`.
 * ```ts
 * import { exportJWK, generateKeyPair, SignJWT } from 'jose';
 * import { SIMULATOR_ISSUER, verifyToken } from '@clean-room/protocol/attestation';
 *
 * const imageDigest = `sha256:${'1'.repeat(64)}`;
 * const { privateKey, publicKey } = await generateKeyPair('RS256');
 * const token = await new SignJWT({
 *   hwmodel: 'SIMULATED',
 *   swname: 'CONFIDENTIAL_SPACE',
 *   dbgstat: 'disabled-since-boot',
 *   secboot: true,
 *   submods: {
 *     container: { image_reference: 'example', image_digest: imageDigest, restart_policy: 'Never' }
 *   }
 * })
 *   .setProtectedHeader({ alg: 'RS256', kid: 'example' })
 *   .setIssuer(SIMULATOR_ISSUER)
 *   .setSubject('example')
 *   .setAudience('clean-room:run:v1')
 *   .setIssuedAt()
 *   .setNotBefore('0s')
 *   .setExpirationTime('1h')
 *   .sign(privateKey);
 *
 * const keys = [{ ...(await exportJWK(publicKey)), kid: 'example' }];
 * const request = {
 *   profile: 'signature',
 *   at: new Date(),
 *   trust: { pkiRoots: [], jwks: [{ issuer: SIMULATOR_ISSUER, keys }] },
 *   acceptSimulator: true
 * } as const;
 * const appraisal = await verifyToken(token, { ...request, expect: { imageDigest } });
 * console.log(appraisal.ok); // true
 *
 * const other = await verifyToken(token, { ...request, expect: { audience: 'another audience' } });
 * const failed = other.steps.filter(step => step.status === 'fail');
 * console.log(failed.map(step => step.code).join()); // audience-mismatch
 * ```
 */
export async function verifyToken(token: string, request: TokenRequest): Promise<TokenAppraisal> {
  // Comparisons with an invalid date are always false, so an expired token would pass.
  if (Number.isNaN(request.at.getTime()))
    throw new CleanRoomError('malformed', 'The time of the verification is not a valid date.');
  const report = new Report();
  const parts = splitToken(token);
  if (parts === undefined) {
    report.add(
      'format',
      fail('token-malformed', 'The text does not have the compact form of a signed token.')
    );
    return report.finish(['header', 'issuer', 'signature', 'claims'], { simulated: false });
  }
  report.add('format', pass(`${token.length} characters.`));
  const kind = 'x5c' in parts.header ? 'pki' : 'oidc';
  report.add('header', checkHeader(parts.header));

  const evidence: TokenEvidence = { token, ...parts, request };
  const steps = authenticitySteps(kind);
  for (const { id, check } of steps) if (report.ok) report.add(id, await check(evidence));

  const simulated = saysSimulated(parts.payload, evidence.root);
  const root = evidence.root === undefined ? {} : { root: evidence.root };
  const { payload } = parts;
  if (!report.ok || !areClaims(payload)) {
    return report.finish(
      steps.map(({ id }) => id),
      { kind, simulated, ...root }
    );
  }
  const subject: AppraisalSubject = {
    claims: payload,
    request,
    expect: request.expect ?? {},
    production: request.profile === 'production',
    root: evidence.root
  };
  for (const { id, check } of APPRAISAL_STEPS) report.add(id, check(subject));
  return report.finish([], { kind, simulated, ...root, claims: payload, times: timesOf(payload) });
}

/** Collects the results of the steps. */
class Report {
  private readonly steps: StepResult[] = [];
  /** Whether no step has failed so far. */
  ok = true;

  add(id: StepId, outcome: StepOutcome): void {
    this.steps.push({ id, title: STEPS[id], ...outcome });
    if (outcome.status === 'fail') this.ok = false;
  }

  /** Returns the result. Steps that did not run because of a failure are added as `not-reached`, so every report is complete. */
  finish(authenticity: readonly StepId[], rest: Omit<TokenAppraisal, 'steps' | 'ok'>): TokenAppraisal {
    const done = new Set(this.steps.map(({ id }) => id));
    const missing = [...authenticity, ...APPRAISAL_STEPS.map(({ id }) => id)].filter(id => !done.has(id));
    const skipped = missing.map((id): StepResult => ({
      id,
      title: STEPS[id],
      status: 'not-reached',
      detail: 'An earlier step failed.'
    }));
    return { steps: [...this.steps, ...skipped], ok: this.ok, ...rest };
  }
}

/** Returns whether anything about a token says that it is simulated, whether or not its signature is valid. */
function saysSimulated(payload: JsonObject, root: PkiRoot | undefined): boolean {
  return (
    payload['iss'] === SIMULATOR_ISSUER ||
    payload['hwmodel'] === SIMULATED_HARDWARE ||
    root?.kind === 'simulated'
  );
}

function timesOf({ iat, nbf, exp }: ConfidentialSpaceClaims): NonNullable<TokenAppraisal['times']> {
  const at = (seconds: number) => new Date(seconds * 1000);
  return { issuedAt: at(iat), notBefore: at(nbf), expiresAt: at(exp) };
}

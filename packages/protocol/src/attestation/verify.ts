import { CleanRoomError } from '../errors/index.js';
import { authenticitySteps, type TokenEvidence } from './authenticity.js';
import { areClaims, type ConfidentialSpaceClaims } from './claims.js';
import { checkHeader, splitToken, type JsonObject } from './compact.js';
import { APPRAISAL_STEPS } from './appraisal.js';
import type { TokenRequest } from './request.js';
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
 * Judges a Confidential Space token, OIDC or PKI, step by step in the order of {@link STEPS}. Takes nothing but its
 * arguments: no clock, no network, no trust of its own.
 *
 * A bad token is never an exception: it is a verdict whose `ok` is false and whose failed steps say why.
 *
 * @example
 * const verdict = await verifyToken(token, {
 *   profile: 'production',
 *   at: new Date(),
 *   trust: { pkiRoots: [GOOGLE_ROOT] },
 *   expect: { audience: 'clean-room:run:v1', nonces: [nonce], imageDigest }
 * });
 * @throws CleanRoomError `unavailable` where there is no WebCrypto, `malformed` when `at` is no time
 */
export async function verifyToken(token: string, request: TokenRequest): Promise<TokenAppraisal> {
  // Every comparison with no time is false, so an expired token would pass.
  if (Number.isNaN(request.at.getTime()))
    throw new CleanRoomError('malformed', 'The time to judge at is no time.');
  const report = new Report();
  const parts = splitToken(token);
  if (parts === undefined) {
    report.add('format', fail('token-malformed', 'The text is not a signed token of the compact form.'));
    return report.verdict(['header', 'issuer', 'signature', 'claims'], { simulated: false });
  }
  report.add('format', pass(`${token.length} characters.`));
  const kind = 'x5c' in parts.header ? 'pki' : 'oidc';
  report.add('header', checkHeader(parts.header));

  const evidence: TokenEvidence = { token, ...parts, request };
  const steps = authenticitySteps(kind);
  for (const { id, take } of steps) if (report.holds) report.add(id, await take(evidence));

  const simulated = saysSimulated(parts.payload, evidence.root);
  const { payload } = parts;
  if (!report.holds || !areClaims(payload)) {
    return report.verdict(
      steps.map(({ id }) => id),
      { kind, simulated }
    );
  }
  const judged = {
    claims: payload,
    request,
    expect: request.expect ?? {},
    production: request.profile === 'production',
    root: evidence.root
  };
  for (const { id, take } of APPRAISAL_STEPS) report.add(id, take(judged));
  return report.verdict([], { kind, simulated, claims: payload, times: timesOf(payload) });
}

class Report {
  private readonly steps: StepResult[] = [];
  holds = true;

  add(id: StepId, outcome: StepOutcome): void {
    this.steps.push({ id, title: STEPS[id], ...outcome });
    if (outcome.status === 'fail') this.holds = false;
  }

  /** Closes with the steps that the first failure left out, so that every report is complete. */
  verdict(authenticity: readonly StepId[], rest: Omit<TokenAppraisal, 'steps' | 'ok'>): TokenAppraisal {
    const taken = new Set(this.steps.map(({ id }) => id));
    const left = [...authenticity, ...APPRAISAL_STEPS.map(({ id }) => id)].filter(id => !taken.has(id));
    const skipped = left.map((id): StepResult => ({
      id,
      title: STEPS[id],
      status: 'not-reached',
      detail: 'An earlier step failed.'
    }));
    return { steps: [...this.steps, ...skipped], ok: this.holds, ...rest };
  }
}

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

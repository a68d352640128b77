import { verifyToken, type ConfidentialSpaceClaims, type PkiRoot } from '@clean-room/protocol/attestation';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { JOB_VARIABLE } from '@clean-room/protocol/jobs';
import { attestationTrust } from '@clean-room/protocol/policies';
import { documentsOf } from '../approvals/approve.js';
import type { CoordinatorContext } from '../context.js';
import { jobAddress, type Job } from './find.js';

/** Returns the lists of roots that must each accept a job's tokens: those of its policies, or the backend's own without one. */
async function acceptedRoots(
  context: CoordinatorContext,
  { revision }: Job
): Promise<(readonly PkiRoot[])[]> {
  const { policies } = await documentsOf(context.db, revision);
  return policies.length === 0
    ? [context.services.backend.roots]
    : policies.map(({ value }) => attestationTrust(value.tee.roots).pkiRoots);
}

function refused(reason: string): CleanRoomError {
  return new CleanRoomError(
    'attestation-refused',
    `The attestation token of this attempt is not valid: ${reason}.`
  );
}

/** Checks that a token describes the machine that was started for the job, with the job's address. */
async function requireMachine(
  context: CoordinatorContext,
  job: Job,
  { submods }: ConfidentialSpaceClaims
): Promise<void> {
  if (submods.container.env_override?.[JOB_VARIABLE] !== jobAddress(context, job.attempt)) {
    throw refused('the machine was started for another job');
  }
  const { projectId, zone, instanceName } = await context.services.backend.machineOf(job.attempt);
  const { gce } = submods;
  const isOurs =
    gce?.project_id === projectId &&
    (zone === undefined || gce.zone === zone) &&
    (instanceName === undefined || gce.instance_name === instanceName);
  if (!isOurs) throw refused('it is about another machine than the one that was started');
}

/**
 * Verifies a token of a job's attempt: its signature, that the machine is locked, the image, and that it is the machine that was
 * started for this job. Only availability depends on it: custodians and receipts verify their own tokens.
 *
 * @throws CleanRoomError `attestation-refused`
 */
export async function verifyJobToken(
  context: CoordinatorContext,
  job: Job,
  token: string,
  expect: { readonly audience: string; readonly nonce: string; readonly maxAgeSeconds: number }
): Promise<void> {
  const { audience, nonce, maxAgeSeconds } = expect;
  for (const roots of await acceptedRoots(context, job)) {
    const appraisal = await verifyToken(token, {
      profile: 'production',
      at: new Date(),
      trust: { pkiRoots: roots },
      acceptSimulator: roots.some(root => root.kind === 'simulated'),
      expect: {
        audience,
        nonces: [nonce],
        imageDigest: job.revision.image_digest,
        env: {},
        maxAgeSeconds
      }
    });
    const failed = appraisal.steps.filter(step => step.status === 'fail').map(step => step.code ?? step.id);
    if (!appraisal.ok || appraisal.claims === undefined) throw refused(failed.join(', '));
    await requireMachine(context, job, appraisal.claims);
  }
}

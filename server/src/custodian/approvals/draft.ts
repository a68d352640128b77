import { createHash } from 'node:crypto';
import { toBase64Url } from '@clean-room/protocol/bytes';
import { Approval, simulationOnlyReason } from '@clean-room/protocol/approvals';
import {
  fromTimestamp,
  preAuthenticationEncoding,
  toTimestamp,
  type ReadDocument
} from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { requireGrant, type Grant } from '@clean-room/protocol/policies';
import { newId } from '../../platform/ids.js';
import { custodianMarks } from '../config.js';
import type { CustodianContext } from '../context.js';
import type { InspectedRevision } from '../submissions/inspect.js';

/** An approval before it is confirmed. Its bytes are fixed, and the passkey signs exactly these bytes. */
export interface ApprovalDraft {
  readonly id: string;
  readonly approval: ReadDocument<Approval>;
  /** The challenge for the passkey: SHA-256 of the approval's pre-authentication bytes, base64url. */
  readonly challenge: string;
}

/** The time in which a draft can be confirmed. */
export const DRAFT_MINUTES = 30;

const DAY_MS = 86_400_000;

function challengeOf(approval: ReadDocument<Approval>): string {
  const bytes = preAuthenticationEncoding(Approval.payloadType, approval.bytes);
  return toBase64Url(new Uint8Array(createHash('sha256').update(bytes).digest()));
}

/** Returns the earliest end of the custodian's own approval period, the policies and the collaboration. */
function expiryOf({ config }: CustodianContext, inspected: InspectedRevision, now: Date): string {
  const ends = [
    now.getTime() + config.approvalDays * DAY_MS,
    fromTimestamp(inspected.collaboration.value.ends).getTime(),
    ...inspected.assets.map(({ policy }) => fromTimestamp(policy.value.validUntil).getTime())
  ];
  return toTimestamp(new Date(Math.min(...ends)));
}

/** Returns whether the data may be approved without a passkey: only in a demo, and only data that is sealed for simulation. */
export function mayBeUnattended({ config }: CustodianContext, inspected: InspectedRevision): boolean {
  return (
    config.demo !== undefined &&
    inspected.assets.every(({ version }) => version.value.sealedFor === 'simulation')
  );
}

/**
 * Refuses to approve data that is sealed for hardware if this custodian is a demo or is co-hosted.
 * @throws CleanRoomError `approval-invalid`
 */
function requireSuitableCustodian({ config }: CustodianContext, inspected: InspectedRevision): void {
  const reason = simulationOnlyReason({ unattended: false, ...custodianMarks(config) });
  const real = inspected.assets.find(({ version }) => version.value.sealedFor === 'hardware');
  if (reason === undefined || real === undefined) return;
  throw new CleanRoomError(
    'approval-invalid',
    `This custodian cannot approve the use of ${real.version.value.name}, which is sealed for hardware: ${reason.replace('its custodian', 'the custodian')}.`,
    { remedy: 'Run the custodian apart from the coordinator and without "demo". Nothing was approved.' }
  );
}

/**
 * Creates the approval that a reviewer can confirm, and stores its bytes.
 *
 * @param reviewer - the id of the person who is asked
 * @param options - `runs` and `spareStarts` are at most what every policy allows
 * @throws CleanRoomError `approval-invalid`, `policy-refused`
 */
export async function draftApproval(
  context: CustodianContext,
  inspected: InspectedRevision,
  reviewer: string,
  options: Grant & { readonly unattended: boolean }
): Promise<ApprovalDraft> {
  const { config, keys, db } = context;
  requireSuitableCustodian(context, inspected);
  if (options.unattended && !mayBeUnattended(context, inspected)) {
    throw new CleanRoomError('approval-invalid', 'This data can be approved only with a passkey.', {
      remedy: 'Add a passkey on the page “Passkeys”, and approve with it.'
    });
  }
  requireGrant(
    inspected.assets.map(({ policy }) => policy.value),
    options
  );
  const now = context.now();
  const approval = Approval.read(
    Approval.write({
      format: 'clean-room.approval/v1',
      provider: config.party,
      custodian: keys.publicKey,
      image: inspected.image,
      spec: inspected.spec.digest,
      assets: inspected.assets.map(({ version, policy }) => ({
        name: version.value.name,
        version: version.digest,
        policy: policy.digest
      })),
      runs: options.runs,
      spareStarts: options.spareStarts,
      approvedAt: toTimestamp(now),
      expires: expiryOf(context, inspected, now),
      reviewer,
      unattended: options.unattended,
      ...custodianMarks(config)
    })
  );
  const id = newId(now.getTime());
  await db
    .insertInto('draft')
    .values({
      id,
      submission: inspected.submission.id,
      revision: inspected.revision,
      reviewer,
      payload: approval.bytes,
      created_at: now,
      used_at: null
    })
    .execute();
  return { id, approval, challenge: challengeOf(approval) };
}

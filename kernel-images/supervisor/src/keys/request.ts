import { toBase64 } from '@clean-room/protocol/bytes';
import type { ReadDocument } from '@clean-room/protocol/documents';
import {
  KeyRequest,
  keyRequestAudience,
  keyRequestNonce,
  type KeyRequestMessage
} from '@clean-room/protocol/key-release';
import type { LauncherClient } from '../launcher/launcher.js';
import type { JobFacts, TrustedJob } from '../trust/verify-job.js';
import type { TrustedProvider } from '../trust/providers.js';

/** What a provider's custodian is asked for this attempt. The same attempt always asks in the same bytes. */
export function writeKeyRequest(
  provider: TrustedProvider,
  job: TrustedJob,
  facts: JobFacts,
  attemptKey: string
): ReadDocument<KeyRequest> {
  return KeyRequest.read(
    KeyRequest.write({
      format: 'clean-room.key-request/v1',
      custodian: provider.custodian,
      image: facts.own.image,
      spec: facts.spec.digest,
      attemptKey,
      sandboxProfile: facts.profile,
      approval: provider.approval.digest,
      rosterVersion: provider.rosterVersion,
      logHead: job.logHead
    })
  );
}

/** The request with a fresh token over it, and all that the custodian needs to judge it. */
export async function writeMessage(
  request: ReadDocument<KeyRequest>,
  provider: TrustedProvider,
  job: TrustedJob,
  facts: JobFacts,
  launcher: LauncherClient,
  signal?: AbortSignal
): Promise<KeyRequestMessage> {
  const order = { audience: keyRequestAudience(provider.custodian), nonce: keyRequestNonce(request) };
  return {
    request: toBase64(request.bytes),
    token: await launcher.token(order, signal),
    spec: toBase64(facts.spec.bytes),
    approval: provider.bundle,
    collaboration: job.collaboration
  };
}

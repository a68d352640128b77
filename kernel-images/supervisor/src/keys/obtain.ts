import { toBase64 } from '@clean-room/protocol/bytes';
import type { ReadDocument } from '@clean-room/protocol/documents';
import {
  KeyRequest,
  keyRequestAudience,
  keyRequestNonce,
  type AttemptKeyPair
} from '@clean-room/protocol/key-release';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { LauncherClient } from '../attestation/launcher.js';
import type { JobChannel } from '../job/channel.js';
import type { TrustedProvider } from '../trust/providers.js';
import type { JobFacts, TrustedJob } from '../trust/verify-job.js';
import { openKeyReleaseAnswer, type ReleasedKeys } from './answer.js';
import { exchangeRequests, MAILBOX_RETRY, type MailboxRetryPolicy, type SentRequest } from './mailbox.js';

/** Options of `obtainKeys`. */
export interface ObtainKeysOptions {
  readonly job: TrustedJob;
  readonly facts: JobFacts;
  readonly key: AttemptKeyPair;
  readonly launcher: LauncherClient;
  readonly channel: JobChannel;
  readonly retryPolicy?: MailboxRetryPolicy;
  readonly signal?: AbortSignal;
}

/** Returns this attempt's request to a provider's custodian. The bytes are the same each time it is built. */
function buildKeyRequest(
  provider: TrustedProvider,
  { job, facts, key }: ObtainKeysOptions
): ReadDocument<KeyRequest> {
  return KeyRequest.read(
    KeyRequest.write({
      format: 'clean-room.key-request/v1',
      custodian: provider.custodian,
      image: facts.own.image,
      spec: facts.spec.digest,
      attemptKey: key.publicKey,
      sandboxProfile: facts.profile,
      approval: provider.approval.digest,
      rosterVersion: provider.rosterVersion,
      logHead: job.logHead
    })
  );
}

/** Returns the message to one custodian, with the documents that the custodian verifies the request against. */
function requestTo(
  provider: TrustedProvider,
  request: ReadDocument<KeyRequest>,
  { job, facts, launcher }: ObtainKeysOptions
): SentRequest {
  const audience = keyRequestAudience(provider.custodian);
  return {
    digest: request.digest,
    message: {
      request: toBase64(request.bytes),
      spec: toBase64(facts.spec.bytes),
      approval: provider.bundle,
      collaboration: job.collaboration
    },
    takeToken: signal => launcher.token({ audience, nonce: keyRequestNonce(request) }, signal)
  };
}

/**
 * Requests the file keys from every custodian. Each custodian releases its keys only when all of them are ready, so that no
 * custodian counts an attempt that cannot run.
 *
 * @returns the keys that each provider's custodian released, by the provider's party
 * @throws CleanRoomError `key-release-refused`, `signature-invalid`, `malformed`, `unavailable`
 */
export async function obtainKeys(options: ObtainKeysOptions): Promise<Map<string, ReleasedKeys>> {
  const { job, key, channel, retryPolicy = MAILBOX_RETRY } = options;
  const requests = job.providers.map(provider => ({ provider, request: buildKeyRequest(provider, options) }));
  if (requests.length === 0) return new Map();
  const answers = await exchangeRequests(
    channel,
    requests.map(({ provider, request }) => requestTo(provider, request, options)),
    retryPolicy,
    options.signal ?? new AbortController().signal
  );
  const released = new Map<string, ReleasedKeys>();
  for (const { provider, request } of requests) {
    const envelope = answers.get(request.digest);
    if (envelope === undefined) throw new CleanRoomError('internal', 'An answer is missing.');
    released.set(provider.party, await openKeyReleaseAnswer(envelope, provider, request, key));
  }
  return released;
}

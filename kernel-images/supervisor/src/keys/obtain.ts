import { toBase64 } from '@clean-room/protocol/bytes';
import type { ReadDocument } from '@clean-room/protocol/documents';
import {
  KeyRequest,
  keyRequestAudience,
  keyRequestNonce,
  type AttemptKeyPair,
  type KeyRequestMessage
} from '@clean-room/protocol/key-release';
import type { LauncherClient } from '../attestation/launcher.js';
import type { TrustedProvider } from '../trust/providers.js';
import type { JobFacts, TrustedJob } from '../trust/verify-job.js';
import { openKeyReleaseAnswer, type ReleasedKeys } from './answer.js';
import { MAILBOX_RETRY, requestThroughMailbox, type MailboxRetryPolicy } from './mailbox.js';

/** Options of `obtainKeys`. */
export interface ObtainKeysOptions {
  readonly job: TrustedJob;
  readonly facts: JobFacts;
  readonly key: AttemptKeyPair;
  readonly launcher: LauncherClient;
  /** URL of the mailbox. */
  readonly mailbox: string;
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

/** Returns the request with a fresh token over it, and the documents that the custodian verifies it against. */
async function buildMessage(
  request: ReadDocument<KeyRequest>,
  provider: TrustedProvider,
  { job, facts, launcher }: ObtainKeysOptions,
  signal: AbortSignal
): Promise<KeyRequestMessage> {
  const audience = keyRequestAudience(provider.custodian);
  return {
    request: toBase64(request.bytes),
    token: await launcher.token({ audience, nonce: keyRequestNonce(request) }, signal),
    spec: toBase64(facts.spec.bytes),
    approval: provider.bundle,
    collaboration: job.collaboration
  };
}

/**
 * Requests the file keys from every custodian at the same time. The first refusal ends all waiting, so that no other
 * custodian counts an attempt that cannot run.
 *
 * @returns the keys that each provider's custodian released, by the provider's party
 * @throws CleanRoomError `key-release-refused`, `signature-invalid`, `malformed`, `unavailable`
 */
export async function obtainKeys(options: ObtainKeysOptions): Promise<Map<string, ReleasedKeys>> {
  const { job, key, mailbox, retryPolicy = MAILBOX_RETRY } = options;
  const failed = new AbortController();
  const signal =
    options.signal === undefined ? failed.signal : AbortSignal.any([failed.signal, options.signal]);
  const obtain = async (provider: TrustedProvider): Promise<[string, ReleasedKeys]> => {
    const request = buildKeyRequest(provider, options);
    const message = () => buildMessage(request, provider, options, signal);
    const envelope = await requestThroughMailbox(mailbox, request.digest, message, retryPolicy, signal);
    return [provider.party, await openKeyReleaseAnswer(envelope, provider, request, key)];
  };
  try {
    return new Map(await Promise.all(job.providers.map(obtain)));
  } catch (error) {
    failed.abort();
    throw error;
  }
}

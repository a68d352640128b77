import type { AttemptKeyPair } from '@clean-room/protocol/key-release';
import type { LauncherClient } from '../launcher/launcher.js';
import type { JobFacts, TrustedJob } from '../trust/verify-job.js';
import type { TrustedProvider } from '../trust/providers.js';
import { openKeyReleaseAnswer, type ReleasedKeys } from './answer.js';
import { MAILBOX_RETRY, askThroughMailbox, type MailboxRetryPolicy } from './mailbox.js';
import { writeKeyRequest, writeMessage } from './request.js';

export interface ObtainKeysOptions {
  readonly job: TrustedJob;
  readonly facts: JobFacts;
  readonly key: AttemptKeyPair;
  readonly launcher: LauncherClient;
  /** Address of the mailbox. */
  readonly mailbox: string;
  readonly patience?: MailboxRetryPolicy;
  readonly signal?: AbortSignal;
}

/**
 * Asks every custodian at once; the first refusal ends all waiting, so that no attempt is spent in vain.
 * @returns what each provider's custodian released, by the provider's party
 */
export async function obtainKeys(errand: ObtainKeysOptions): Promise<Map<string, ReleasedKeys>> {
  const { job, facts, key, launcher, mailbox, patience = MAILBOX_RETRY } = errand;
  const failed = new AbortController();
  const signal =
    errand.signal === undefined ? failed.signal : AbortSignal.any([failed.signal, errand.signal]);
  const obtain = async (provider: TrustedProvider): Promise<[string, ReleasedKeys]> => {
    const request = writeKeyRequest(provider, job, facts, key.publicKey);
    const write = () => writeMessage(request, provider, job, facts, launcher, signal);
    const envelope = await askThroughMailbox(mailbox, request.digest, write, patience, signal);
    return [provider.party, await openKeyReleaseAnswer(envelope, provider, request, key)];
  };
  try {
    return new Map(await Promise.all(job.providers.map(obtain)));
  } catch (error) {
    failed.abort();
    throw error;
  }
}

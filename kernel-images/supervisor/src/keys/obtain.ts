import type { AttemptKeyPair } from '@clean-room/protocol/key-release';
import type { Launcher } from '../launcher/index.js';
import type { Facts, TrustedJob, TrustedProvider } from '../trust/index.js';
import { openAnswer, type Released } from './answer.js';
import { MAILBOX_PATIENCE, askThroughMailbox, type MailboxPatience } from './mailbox.js';
import { writeKeyRequest, writeMessage } from './request.js';

export interface KeyErrand {
  readonly job: TrustedJob;
  readonly facts: Facts;
  readonly key: AttemptKeyPair;
  readonly launcher: Launcher;
  /** Address of the mailbox. */
  readonly mailbox: string;
  readonly patience?: MailboxPatience;
  readonly signal?: AbortSignal;
}

/**
 * Asks every custodian at once; the first refusal ends all waiting, so that no attempt is spent in vain.
 * @returns what each provider's custodian released, by the provider's party
 */
export async function obtainKeys(errand: KeyErrand): Promise<Map<string, Released>> {
  const { job, facts, key, launcher, mailbox, patience = MAILBOX_PATIENCE } = errand;
  const failed = new AbortController();
  const signal =
    errand.signal === undefined ? failed.signal : AbortSignal.any([failed.signal, errand.signal]);
  const obtain = async (provider: TrustedProvider): Promise<[string, Released]> => {
    const request = writeKeyRequest(provider, job, facts, key.publicKey);
    const write = () => writeMessage(request, provider, job, facts, launcher, signal);
    const envelope = await askThroughMailbox(mailbox, request.digest, write, patience, signal);
    return [provider.party, await openAnswer(envelope, provider, request, key)];
  };
  try {
    return new Map(await Promise.all(job.providers.map(obtain)));
  } catch (error) {
    failed.abort();
    throw error;
  }
}

import { toBase64 } from '@clean-room/protocol/bytes';
import type { PublicKey, Recipient } from '@clean-room/protocol/documents';
import type { JobResult } from '@clean-room/protocol/jobs';
import { EMPTY_LOG_HEAD, type LogHead } from '@clean-room/protocol/log';
import {
  RUN_AUDIENCE,
  runNonce,
  writeRunStatement,
  type CellRecord,
  type RunFailure,
  type RunPredicate
} from '@clean-room/protocol/runs';
import { sealOutput, type SealedOutput } from '@clean-room/protocol/sealing';
import type { Released } from '../keys/index.js';
import { gridAfter, gridBefore } from '../time/index.js';
import type { TrustedProvider } from '../trust/index.js';
import { observeTime, type Attempt, type Cleared } from './attempt.js';

/** What a run came to, before it is sealed. */
export interface Outcome {
  /** The filtered notebook: as recipients get it, and as a reviewing party does, with what is held for it. */
  readonly copies: { readonly recipients: Uint8Array; of(party: string): Uint8Array };
  readonly cells: CellRecord[];
  readonly failure: RunFailure | undefined;
  readonly startedAt: Date;
}

export interface Concluded {
  readonly objects: readonly SealedOutput[];
  readonly result: JobResult;
}

function asksForReview(provider: TrustedProvider): boolean {
  return provider.assets.some(({ policy }) => policy.value.outputs.review === 'person');
}

function newestHead(released: ReadonlyMap<string, Released>): LogHead {
  const heads = [...released.values()].map(({ answer }) => answer.value.logHead);
  return heads.reduce((newest, head) => (head.size > newest.size ? head : newest), EMPTY_LOG_HEAD);
}

function usedAssets(
  providers: readonly TrustedProvider[],
  released: ReadonlyMap<string, Released>
): RunPredicate['assets'] {
  return providers.flatMap(({ party, approval, assets }) =>
    assets.map(({ pinned }) => {
      const answer = released.get(party)?.answer;
      if (answer === undefined) throw new Error(`no key was released by ${party}`);
      return { ...pinned, approval: approval.digest, keyRelease: answer.digest };
    })
  );
}

/**
 * Seals the outputs, states what happened, and has the attestation service vouch for the statement. With review, the
 * recipients' copy carries a layer of each reviewing custodian, and each of these gets a copy of its own to read.
 */
export async function conclude(
  attempt: Attempt,
  { job }: Cleared,
  released: ReadonlyMap<string, Released>,
  outcome: Outcome
): Promise<Concluded> {
  const { spec } = attempt.measured;
  const { recipients, recovery } = spec.value;
  const openers: Recipient[] = recovery === undefined ? [...recipients] : [...recipients, recovery];
  const reviewing = job.providers.filter(asksForReview);
  // The last layer that is put on is the first that comes off.
  const layers = reviewing.map(({ recipient }) => recipient);
  const sealed = await sealOutput(outcome.copies.recipients, openers, layers);
  const copies = await Promise.all(
    reviewing.map(async ({ party, custodian, recipient }) => ({
      custodian,
      sealed: await sealOutput(outcome.copies.of(party), [recipient], [])
    }))
  );
  const describe = (name: string, object: SealedOutput) => ({
    name,
    digest: object.digest,
    bytes: object.bytes.length
  });
  const reviewers: PublicKey[] = reviewing.map(({ custodian }) => custodian).reverse();
  const reviewCopies = copies.map(copy => ({
    custodian: copy.custodian,
    object: describe('review-copy', copy.sealed)
  }));

  const { image } = await observeTime(attempt);
  const grid = job.terms.run.timeGridSeconds;
  const statement = writeRunStatement({
    spec: spec.digest,
    image,
    kernelImage: spec.value.kernelImage,
    collaboration: spec.value.collaboration,
    attemptKey: attempt.key.publicKey,
    sandbox: { profile: attempt.profile, filter: attempt.filter },
    assets: usedAssets(job.providers, released),
    logHead: newestHead(released),
    startedAt: gridBefore(outcome.startedAt, grid),
    endedAt: gridAfter(attempt.clock.now(), grid),
    ...(outcome.failure === undefined ? {} : { failure: outcome.failure }),
    cells: outcome.cells,
    outputs: {
      notebook: describe('notebook', sealed),
      recipients: openers,
      reviewers,
      ...(reviewCopies.length === 0 ? {} : { reviewCopies })
    }
  });
  const token = await attempt.launcher.token({ audience: RUN_AUDIENCE, nonce: runNonce(statement.digest) });
  const objects = [sealed, ...copies.map(copy => copy.sealed)];
  return {
    objects,
    result: {
      statement: toBase64(statement.bytes),
      token,
      keyReleases: [...released.values()].map(({ envelope }) => envelope),
      outputs: objects.map(({ digest }) => digest)
    }
  };
}

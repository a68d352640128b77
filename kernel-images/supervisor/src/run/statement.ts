import { providerOf } from '@clean-room/protocol/assets';
import type { Digest } from '@clean-room/protocol/bytes';
import type { AttemptKey, ReadDocument } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { EMPTY_TREE_HEAD, type TreeHead } from '@clean-room/protocol/log';
import { encodeRunStatement, type RunPredicate, type RunStatement } from '@clean-room/protocol/runs';
import type { FilteredCell } from '../filter/filter.js';
import type { ReleasedKeys } from '../keys/answer.js';
import { gridAfter, gridBefore } from '../time/grid.js';
import type { JobFacts, TrustedJob } from '../trust/verify-job.js';
import type { TrustedProvider } from '../trust/providers.js';
import type { RanNotebook } from './cells.js';

export interface RunFacts {
  readonly facts: JobFacts;
  readonly job: TrustedJob;
  readonly attemptKey: AttemptKey;
  readonly released: ReadonlyMap<string, ReleasedKeys>;
  /** SHA-256 of the system call filter. */
  readonly filter: Digest;
  readonly startedAt: Date;
  readonly endedAt: Date;
  readonly ran: RanNotebook;
  readonly filtered: readonly FilteredCell[];
  readonly outputs: RunPredicate['outputs'];
}

function newestHead(released: ReadonlyMap<string, ReleasedKeys>): TreeHead {
  const heads = [...released.values()].map(({ answer }) => answer.value.logHead);
  return heads.reduce((newest, head) => (head.size > newest.size ? head : newest), EMPTY_TREE_HEAD);
}

function assetEntries(story: RunFacts): RunPredicate['assets'] {
  const providers = new Map<string, TrustedProvider>(
    story.job.providers.map(provider => [provider.party, provider])
  );
  return story.job.assets.map(({ pinned }) => {
    const provider = providers.get(providerOf(pinned.name));
    const released = story.released.get(providerOf(pinned.name));
    if (provider === undefined || released === undefined) {
      throw new CleanRoomError('internal', 'An asset was opened that nobody released.');
    }
    return { ...pinned, approval: provider.approval.digest, keyRelease: released.answer.digest };
  });
}

/** What happened, in the words that everyone verifies. */
export function buildRunStatement(story: RunFacts): ReadDocument<RunStatement> {
  const { spec, own, profile } = story.facts;
  const grid = story.job.terms.run.timeGridSeconds;
  return encodeRunStatement({
    spec: spec.digest,
    image: own.image,
    kernelImage: spec.value.kernelImage,
    collaboration: spec.value.collaboration,
    attemptKey: story.attemptKey,
    sandbox: { profile, filter: story.filter },
    assets: assetEntries(story),
    logHead: newestHead(story.released),
    startedAt: gridBefore(story.startedAt, grid),
    endedAt: gridAfter(story.endedAt, grid),
    ...(story.ran.failure === undefined ? {} : { failure: story.ran.failure }),
    cells: story.ran.cells.map(({ cell, status }, index) => ({
      cell,
      status,
      outputs: (story.filtered[index]?.outputs ?? []).map(({ mark }) => ({
        verdict: mark.verdict,
        reasons: [...mark.reasons]
      }))
    })),
    outputs: story.outputs
  });
}

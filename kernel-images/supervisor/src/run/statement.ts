import { providerOf } from '@clean-room/protocol/assets';
import type { Digest } from '@clean-room/protocol/bytes';
import type { AttemptKey, ReadDocument } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { EMPTY_TREE_HEAD, type TreeHead } from '@clean-room/protocol/log';
import { encodeRunStatement, type RunPredicate, type RunStatement } from '@clean-room/protocol/runs';
import type { FilteredCell } from '../filter/filter.js';
import type { ReleasedKeys } from '../keys/answer.js';
import { gridAfter, gridBefore } from '../attestation/time.js';
import type { JobFacts, TrustedJob } from '../trust/verify-job.js';
import type { TrustedProvider } from '../trust/providers.js';
import type { RanNotebook } from './cells.js';

/** Everything that a run statement is built from. */
export interface RunFacts {
  readonly facts: JobFacts;
  readonly job: TrustedJob;
  readonly attemptKey: AttemptKey;
  readonly released: ReadonlyMap<string, ReleasedKeys>;
  /** Digest of the sandbox's system call filter. */
  readonly filter: Digest;
  readonly startedAt: Date;
  readonly endedAt: Date;
  readonly ran: RanNotebook;
  readonly filtered: readonly FilteredCell[];
  readonly outputs: RunPredicate['outputs'];
}

/** Returns the largest tree head that the custodians reported. */
function newestTreeHead(released: ReadonlyMap<string, ReleasedKeys>): TreeHead {
  const heads = [...released.values()].map(({ answer }) => answer.value.logHead);
  return heads.reduce((newest, head) => (head.size > newest.size ? head : newest), EMPTY_TREE_HEAD);
}

function assetEntries(run: RunFacts): RunPredicate['assets'] {
  const providers = new Map<string, TrustedProvider>(
    run.job.providers.map(provider => [provider.party, provider])
  );
  return run.job.assets.map(({ pinned }) => {
    const provider = providers.get(providerOf(pinned.name));
    const released = run.released.get(providerOf(pinned.name));
    if (provider === undefined || released === undefined) {
      throw new CleanRoomError('internal', `${pinned.name} was opened without a key release.`);
    }
    return { ...pinned, approval: provider.approval.digest, keyRelease: released.answer.digest };
  });
}

/** Returns the in-toto statement about an attempt. Start and end are rounded to the policies' time grid. */
export function buildRunStatement(run: RunFacts): ReadDocument<RunStatement> {
  const { spec, own, profile } = run.facts;
  const grid = run.job.terms.run.timeGridSeconds;
  return encodeRunStatement({
    spec: spec.digest,
    image: own.image,
    kernelImage: spec.value.kernelImage,
    collaboration: spec.value.collaboration,
    attemptKey: run.attemptKey,
    sandbox: { profile, filter: run.filter },
    assets: assetEntries(run),
    logHead: newestTreeHead(run.released),
    startedAt: gridBefore(run.startedAt, grid),
    endedAt: gridAfter(run.endedAt, grid),
    ...(run.ran.failure === undefined ? {} : { failure: run.ran.failure }),
    cells: run.ran.cells.map(({ cell, status }, index) => ({
      cell,
      status,
      outputs: (run.filtered[index]?.outputs ?? []).map(({ mark }) => ({
        verdict: mark.verdict,
        reasons: [...mark.reasons]
      }))
    })),
    outputs: run.outputs
  });
}

import type { PublicKey, Recipient } from '@clean-room/protocol/documents';
import type { SealedOutput } from '@clean-room/protocol/sealing';
import { sealOutput } from '@clean-room/protocol/sealing';
import type { RunFailure, RunPredicate, SealedObject } from '@clean-room/protocol/runs';
import type { Spec } from '@clean-room/protocol/submissions';
import type { FilteredCell, FilteredOutput } from '../filter/filter.js';
import type { SourceCell } from '../notebook/source.js';
import { writeNotebook } from '../notebook/write.js';
import type { TrustedProvider } from '../trust/providers.js';
import type { RanNotebook } from './cells.js';

/** Everything of a run that leaves, sealed, and what the statement says of it. */
export interface SealedRun {
  readonly objects: readonly SealedOutput[];
  readonly outputs: RunPredicate['outputs'];
}

export interface SealRunOptions {
  readonly cells: readonly SourceCell[];
  readonly ran: RanNotebook;
  readonly filtered: readonly FilteredCell[];
}

function notebookFor(
  { cells, ran, filtered }: SealRunOptions,
  show: (output: FilteredOutput) => FilteredOutput['output']
): Uint8Array {
  const outcomes = ran.cells.map((cell, index) => ({
    status: cell.status,
    outputs: (filtered[index]?.outputs ?? []).map(output => ({ mark: output.mark, output: show(output) }))
  }));
  const failure: RunFailure | undefined = ran.failure;
  return writeNotebook(cells, outcomes, failure);
}

/** Providers of which a person reviews what leaves. */
export function reviewersOf(providers: readonly TrustedProvider[]): TrustedProvider[] {
  return providers.filter(({ assets }) =>
    assets.some(asset => asset.policy.value.outputs.review === 'person')
  );
}

/** Content, seal and size are padded and salted, so that the operator learns nothing from an object. */
function describe(name: string, { digest, bytes }: SealedOutput): SealedObject {
  return { name, digest, bytes: bytes.length };
}

/**
 * Seals the filtered notebook to the spec's recipients inside a layer for each reviewing custodian, and for each of these
 * a copy that it alone opens, with what is held for it.
 */
export async function sealRun(
  run: SealRunOptions,
  spec: Spec,
  providers: readonly TrustedProvider[]
): Promise<SealedRun> {
  const reviewers = reviewersOf(providers);
  const recipients: Recipient[] = [
    ...spec.recipients,
    ...(spec.recovery === undefined ? [] : [spec.recovery])
  ];
  const notebook = await sealOutput(
    notebookFor(run, ({ output }) => output),
    recipients,
    reviewers.map(({ recipient }) => recipient)
  );
  const copies: { custodian: PublicKey; sealed: SealedOutput }[] = [];
  for (const { party, custodian, recipient } of reviewers) {
    const content = notebookFor(run, ({ output, held }) => (held?.party === party ? held.output : output));
    copies.push({ custodian, sealed: await sealOutput(content, [recipient], []) });
  }
  return {
    objects: [notebook, ...copies.map(({ sealed }) => sealed)],
    outputs: {
      notebook: describe('notebook', notebook),
      recipients,
      // The outermost layer, which was put on last, comes off first.
      reviewers: reviewers.map(({ custodian }) => custodian).reverse(),
      ...(copies.length === 0
        ? {}
        : {
            reviewCopies: copies.map(({ custodian, sealed }) => ({
              custodian,
              object: describe('review-copy', sealed)
            }))
          })
    }
  };
}

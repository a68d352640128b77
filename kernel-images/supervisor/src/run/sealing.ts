import type { PublicKey, Recipient } from '@clean-room/protocol/documents';
import { sealOutput, type SealedOutput } from '@clean-room/protocol/sealing';
import type { RunFailure, RunPredicate, SealedObject } from '@clean-room/protocol/runs';
import type { Spec } from '@clean-room/protocol/submissions';
import type { FilteredCell, FilteredOutput } from '../filter/filter.js';
import type { SourceCell } from '../notebook/source.js';
import { writeNotebook } from '../notebook/write.js';
import type { TrustedProvider } from '../trust/providers.js';
import type { RanNotebook } from './cells.js';

/** Everything that leaves the TEE after a run, sealed, and the part of the run statement that describes it. */
export interface SealedRun {
  readonly objects: readonly SealedOutput[];
  readonly outputs: RunPredicate['outputs'];
}

/** The results of a run that are sealed. */
export interface RunContent {
  /** All cells of the approved notebook. */
  readonly cells: readonly SourceCell[];
  readonly ran: RanNotebook;
  readonly filtered: readonly FilteredCell[];
}

/** Returns the filtered notebook, in which `show` chooses what is shown of each output. */
function notebookFor(
  { cells, ran, filtered }: RunContent,
  show: (output: FilteredOutput) => FilteredOutput['output']
): Uint8Array {
  const outcomes = ran.cells.map((cell, index) => ({
    status: cell.status,
    outputs: (filtered[index]?.outputs ?? []).map(output => ({ mark: output.mark, output: show(output) }))
  }));
  const failure: RunFailure | undefined = ran.failure;
  return writeNotebook(cells, outcomes, failure);
}

/** Returns the providers whose policies require that a person reviews the outputs. */
export function reviewersOf(providers: readonly TrustedProvider[]): TrustedProvider[] {
  return providers.filter(({ assets }) =>
    assets.some(asset => asset.policy.value.outputs.review === 'person')
  );
}

/** Content is padded and salted before it is sealed, so digest and size reveal nothing to the operator. */
function describeObject(name: string, { digest, bytes }: SealedOutput): SealedObject {
  return { name, digest, bytes: bytes.length };
}

/**
 * Seals the filtered notebook to the spec's recipients, with one further layer for each reviewing custodian. Each
 * reviewing custodian also gets a copy that only it can open and that shows the outputs held for its review.
 */
export async function sealRun(
  run: RunContent,
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
      notebook: describeObject('notebook', notebook),
      recipients,
      // The outermost layer comes first. It was added last and is removed first.
      reviewers: reviewers.map(({ custodian }) => custodian).reverse(),
      ...(copies.length === 0
        ? {}
        : {
            reviewCopies: copies.map(({ custodian, sealed }) => ({
              custodian,
              object: describeObject('review-copy', sealed)
            }))
          })
    }
  };
}

import type { RunSummary, SubmissionSummary } from '@clean-room/api/coordinator';
import { hasEnded, type Entry } from '../shared/status.js';

/** A change that a person is notified of. */
export type News =
  | { readonly kind: 'run-ended'; readonly run: RunSummary }
  | { readonly kind: 'decided'; readonly submission: SubmissionSummary }
  | { readonly kind: 'review-requested'; readonly submission: SubmissionSummary }
  | { readonly kind: 'output-review-requested'; readonly run: RunSummary };

const DECIDED = ['changes-requested', 'rejected', 'expired'];

/** Returns the state of every submission's newest revision and of every run, by id. */
function statesOf(entries: readonly Entry[]): Map<string, string> {
  return new Map(
    entries.flatMap(({ submission, runs }) => [
      [`submission ${submission.id} ${submission.revision.number}`, submission.revision.state] as const,
      ...runs.map(run => [`run ${run.id}`, run.state] as const)
    ])
  );
}

/**
 * Compares two versions of the list and returns the changes that concern a party.
 *
 * @param isReviewer - whether the person reviews submissions and outputs for the party
 */
export function newsBetween(
  before: readonly Entry[],
  after: readonly Entry[],
  party: string,
  isReviewer: boolean
): readonly News[] {
  const oldStates = statesOf(before);
  return after.flatMap(({ submission, runs }): News[] => {
    const own = submission.party === party;
    const { revision } = submission;
    const oldState = oldStates.get(`submission ${submission.id} ${revision.number}`);
    const pending = revision.decisions.some(
      ({ provider, state }) => provider === party && state === 'pending'
    );
    return [
      ...(own && oldState !== undefined && oldState !== revision.state && DECIDED.includes(revision.state)
        ? [{ kind: 'decided', submission } as const]
        : []),
      ...(isReviewer && oldState === undefined && revision.state === 'submitted' && pending
        ? [{ kind: 'review-requested', submission } as const]
        : []),
      ...runs.flatMap((run): News[] => {
        const oldRunState = oldStates.get(`run ${run.id}`);
        if (oldRunState === run.state) return [];
        // A run can start and end between two versions of the list. Then only its submission was known before.
        if (own && hasEnded(run) && (oldRunState ?? oldState) !== undefined)
          return [{ kind: 'run-ended', run }];
        const isRequested = isReviewer && run.state === 'output-review' && run.waitingFor.includes(party);
        return isRequested ? [{ kind: 'output-review-requested', run }] : [];
      })
    ];
  });
}

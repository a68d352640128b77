import type { RunSummary } from '../../../packages/api/src/coordinator/runs.js';
import type { SubmissionSummary } from '../../../packages/api/src/coordinator/submissions.js';
import type { Entry } from '../shared/status.js';

/** What a person would want to be told without asking. */
export type News =
  | { readonly kind: 'run-ended'; readonly run: RunSummary }
  | { readonly kind: 'decided'; readonly submission: SubmissionSummary }
  | { readonly kind: 'review-wanted'; readonly submission: SubmissionSummary }
  | { readonly kind: 'outputs-wanted'; readonly run: RunSummary };

const OVER = ['completed', 'failed', 'cancelled'];
const DECIDED = ['changes-requested', 'rejected', 'expired'];

function states(entries: readonly Entry[]): Map<string, string> {
  return new Map(
    entries.flatMap(({ submission, runs }) => [
      [`submission ${submission.id} ${submission.revision.number}`, submission.revision.state] as const,
      ...runs.map(run => [`run ${run.id}`, run.state] as const)
    ])
  );
}

/**
 * What has changed between two looks, as far as it is for this party. The first look is no news: what was there before
 * JupyterLab was opened stands in the panel.
 */
export function newsBetween(
  before: readonly Entry[],
  after: readonly Entry[],
  party: string,
  isReviewer: boolean
): readonly News[] {
  const old = states(before);
  return after.flatMap(({ submission, runs }): News[] => {
    const own = submission.party === party;
    const { revision } = submission;
    const was = old.get(`submission ${submission.id} ${revision.number}`);
    const pending = revision.decisions.some(
      ({ provider, state }) => provider === party && state === 'pending'
    );
    return [
      ...(own && was !== undefined && was !== revision.state && DECIDED.includes(revision.state)
        ? [{ kind: 'decided', submission } as const]
        : []),
      ...(isReviewer && was === undefined && revision.state === 'submitted' && pending
        ? [{ kind: 'review-wanted', submission } as const]
        : []),
      ...runs.flatMap((run): News[] => {
        const then = old.get(`run ${run.id}`);
        if (then === run.state) return [];
        // A run can begin and end between two looks; then its submission is what was known before.
        if (own && OVER.includes(run.state) && (then ?? was) !== undefined)
          return [{ kind: 'run-ended', run }];
        const wanted = isReviewer && run.state === 'output-review' && run.waitingFor.includes(party);
        return wanted ? [{ kind: 'outputs-wanted', run }] : [];
      })
    ];
  });
}

import { isFinal, REVISION_TRANSITIONS, RUN_TRANSITIONS } from '@clean-room/protocol/runs';
import type { Client } from '@clean-room/api';
import { routes, type RunSummary, type Submission } from '@clean-room/api/coordinator';
import type { CommandContext } from '../context.js';
import { waitFor } from '../coordinator/wait.js';
import type { CommandResult } from '../terminal/answer.js';
import { EXIT } from '../terminal/exit-codes.js';

/** How a run stands, in a few words. */
export function runWords(run: RunSummary): string {
  const cell =
    run.state === 'running' && run.cell !== undefined ? `, cell ${run.cell} of ${run.cells ?? '?'}` : '';
  const waiting = run.waitingFor.length > 0 ? `, waiting for ${run.waitingFor.join(' and ')}` : '';
  const failure =
    run.failure === undefined
      ? ''
      : `, ${run.failure.class}${run.failure.cell === undefined ? '' : ` in cell ${run.failure.cell}`}`;
  const reason = run.reason === undefined ? '' : `: ${run.reason.message}`;
  return `${run.state}${cell}${waiting}${failure}${reason}`;
}

function submissionWords({ revisions, runs }: Submission): string {
  const run = runs.at(-1);
  const revision = revisions.at(-1);
  if (run !== undefined) return `run ${run.id}: ${runWords(run)}`;
  const pending =
    revision?.decisions.filter(({ state }) => state === 'pending').map(({ provider }) => provider) ?? [];
  return pending.length > 0
    ? `waiting for the approval of ${pending.join(' and ')}`
    : `revision is ${revision?.state ?? 'gone'}`;
}

function ended({ revisions, runs }: Submission): boolean {
  const run = runs.at(-1);
  if (run !== undefined && isFinal(RUN_TRANSITIONS, run.state)) return true;
  const revision = revisions.at(-1);
  return run === undefined && (revision === undefined || isFinal(REVISION_TRANSITIONS, revision.state));
}

/** Waits until a submission's newest run is over, or its revision without one, and says how. */
export async function followSubmission(
  { terminal }: CommandContext,
  client: Client,
  id: string
): Promise<CommandResult> {
  let said = '';
  const submission = await waitFor(terminal, async () => {
    const found = await client.call(routes.getSubmission, { params: { id } });
    const words = submissionWords(found);
    if (words !== said) terminal.remark((said = words));
    return ended(found) ? found : undefined;
  });
  const run = submission.runs.at(-1);
  const value = {
    id,
    revision: submission.revisions.at(-1)?.number,
    state: submission.revisions.at(-1)?.state,
    run
  };
  if (run?.state === 'completed') {
    return { value, lines: [`Released. Open it with: clean-room results ${run.id} --to DIR`] };
  }
  return {
    value,
    lines: [submissionWords(submission)],
    exitCode: run === undefined ? EXIT.refused : EXIT.runFailed
  };
}

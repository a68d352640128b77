import { isFinal, REVISION_TRANSITIONS, RUN_TRANSITIONS } from '@clean-room/protocol/runs';
import type { Client } from '@clean-room/api';
import { routes, type Submission } from '@clean-room/api/coordinator';
import { waitFor, type CommandContext } from '../context.js';
import { EXIT } from '../terminal/exit-codes.js';
import type { CommandResult } from '../terminal/result.js';
import { describeRun } from './runs.js';

/** Describes the state of a submission by its newest run, or by its newest revision when it has no run. */
function describeSubmission({ revisions, runs }: Submission): string {
  const run = runs.at(-1);
  const revision = revisions.at(-1);
  if (run !== undefined) return `run ${run.id}: ${describeRun(run)}`;
  const pending =
    revision?.decisions.filter(({ state }) => state === 'pending').map(({ provider }) => provider) ?? [];
  return pending.length > 0
    ? `waiting for the approval of ${pending.join(' and ')}`
    : `the revision is ${revision?.state ?? 'unknown'}`;
}

/** Returns whether nothing more will happen without another action of a person. */
function hasEnded({ revisions, runs }: Submission): boolean {
  const run = runs.at(-1);
  if (run !== undefined && isFinal(RUN_TRANSITIONS, run.state)) return true;
  const revision = revisions.at(-1);
  return run === undefined && (revision === undefined || isFinal(REVISION_TRANSITIONS, revision.state));
}

/**
 * Waits until the newest run of a submission has ended, or its revision if it has not been run, and prints each change of state.
 * @throws CleanRoomError `unavailable` when the user stops the command
 */
export async function followSubmission(
  { terminal }: CommandContext,
  client: Client,
  id: string
): Promise<CommandResult> {
  let printed = '';
  const submission = await waitFor(terminal, async () => {
    const found = await client.call(routes.getSubmission, { params: { id } });
    const description = describeSubmission(found);
    if (description !== printed) terminal.remark((printed = description));
    return hasEnded(found) ? found : undefined;
  });
  const run = submission.runs.at(-1);
  const value = {
    id,
    revision: submission.revisions.at(-1)?.number,
    state: submission.revisions.at(-1)?.state,
    run
  };
  if (run?.state === 'completed') {
    return { value, lines: [`The result is ready. Open it with: clean-room results ${run.id} --to FOLDER`] };
  }
  return {
    value,
    lines: [describeSubmission(submission)],
    exitCode: run === undefined ? EXIT.refused : EXIT.runFailed
  };
}

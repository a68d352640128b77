import { routes, type RunSummary } from '@clean-room/api/coordinator';
import type { Register } from '../context.js';
import { connect } from '../coordinator/connect.js';

/** Describes the state of a run in a few words. */
export function describeRun(run: RunSummary): string {
  const cell =
    run.state === 'running' && run.cell !== undefined ? `, cell ${run.cell} of ${run.cells ?? '?'}` : '';
  const waiting = run.waitingFor.length > 0 ? `, waiting for ${run.waitingFor.join(' and ')}` : '';
  const failure =
    run.failure === undefined
      ? ''
      : `, ${run.failure.class}${run.failure.cell === undefined ? '' : ` in cell ${run.failure.cell}`}`;
  const reason = run.reason === undefined ? '' : `: ${run.reason.message}`;
  const dollars = run.cost?.dollars;
  const cost = dollars === undefined ? '' : `, about $${dollars.toFixed(2)}`;
  return `${run.state}${cell}${waiting}${failure}${cost}${reason}`;
}

function runLine(run: RunSummary): string {
  const created = run.createdAt.slice(0, 16).replace('T', ' ');
  return `${run.id}  ${created}  ${run.notebook}  ${describeRun(run)}`;
}

/** Adds `runs`, which lists runs. */
export const registerRuns: Register = (program, act) => {
  program
    .command('runs')
    .description('List runs, newest first')
    .option('--submission <id>', 'Submission whose runs are listed (default: all submissions)')
    .option('--party <party>', 'Party that you act for')
    .option('--limit <count>', 'Maximum number of runs', Number, 20)
    .action(
      act(async (context, options: { submission?: string; party?: string; limit: number }) => {
        const { client } = await connect(context, options.party);
        const { submission, limit } = options;
        const { items } = await client.call(routes.listRuns, {
          query: { limit, ...(submission === undefined ? {} : { submission }) }
        });
        return {
          value: { items },
          lines: items.length === 0 ? ['There are no runs.'] : items.map(runLine)
        };
      })
    );
};

/** Adds `cancel`, which stops a run. */
export const registerCancel: Register = (program, act) => {
  program
    .command('cancel <run>')
    .description('Cancel a run; none of its outputs leaves the clean room')
    .option('--party <party>', 'Party that you act for')
    .action(
      act(async (context, id: string, { party }: { party?: string }) => {
        const { client } = await connect(context, party);
        const run = await client.call(routes.cancelRun, { params: { id } });
        return { value: run, lines: [`${run.id} is ${run.state}. No output left the clean room.`] };
      })
    );
};

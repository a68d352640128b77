import { routes } from '@clean-room/api/coordinator';
import type { Register } from '../context.js';
import { connect } from '../coordinator/connect.js';
import { runWords } from './follow.js';

/** Lists runs, newest first. */
export const registerRuns: Register = (program, act) => {
  program
    .command('runs')
    .description('list runs, newest first')
    .option('--submission <id>', 'of this submission alone')
    .option('--party <party>', 'the party you act for')
    .option('--limit <count>', 'how many', Number, 20)
    .action(
      act(async (context, options: { submission?: string; party?: string; limit: number }) => {
        const { client } = await connect(context, options.party);
        const { submission, limit } = options;
        const { items } = await client.call(routes.listRuns, {
          query: { limit, ...(submission === undefined ? {} : { submission }) }
        });
        return {
          value: { items },
          lines:
            items.length === 0
              ? ['There are no runs.']
              : items.map(
                  run =>
                    `${run.id}  ${run.createdAt.slice(0, 16).replace('T', ' ')}  ${run.notebook}  ${runWords(run)}`
                )
        };
      })
    );
};

import { routes } from '@clean-room/api/coordinator';
import type { Register } from '../context.js';
import { connect } from '../coordinator/connect.js';

/** A provider's no. */
export const registerReject: Register = (program, act) => {
  program
    .command('reject <submission>')
    .description('say no to a submission, or take a yes back')
    .requiredOption('--reason <text>', 'why; the researcher reads it')
    .option('--party <party>', 'the party you act for')
    .action(
      act(async (context, id: string, { reason, party }: { reason: string; party?: string }) => {
        const { client } = await connect(context, party);
        const outcome = await client.call(routes.reject, { params: { id }, body: { reason } });
        return { value: outcome, lines: [`Revision ${outcome.revision} is ${outcome.state}.`] };
      })
    );
};

import { routes } from '@clean-room/api/coordinator';
import type { Register } from '../context.js';
import { connect } from '../coordinator/connect.js';

/** Stops a run. */
export const registerCancel: Register = (program, act) => {
  program
    .command('cancel <run>')
    .description('stop a run; nothing of it leaves the clean room')
    .option('--party <party>', 'the party you act for')
    .action(
      act(async (context, id: string, { party }: { party?: string }) => {
        const { client } = await connect(context, party);
        const run = await client.call(routes.cancelRun, { params: { id } });
        return { value: run, lines: [`${run.id} is ${run.state}. Nothing of it left the clean room.`] };
      })
    );
};

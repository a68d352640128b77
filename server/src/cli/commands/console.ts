import { routes } from '@clean-room/api/coordinator';
import type { Register } from '../context.js';
import { connect } from '../coordinator/connect.js';
import { positiveInteger } from './options.js';

/** Adds `console`, which shows an operator what the machine of a run wrote. */
export const registerConsole: Register = (program, act) => {
  program
    .command('console <run>')
    .description('Show what the machine of a run wrote (only with the operator’s token)')
    .option('--attempt <number>', 'Attempt, from 1 (default: the newest)', positiveInteger)
    .action(
      act(async (context, run: string, { attempt }: { attempt?: number }) => {
        const { client } = await connect(context);
        const output = await client.call(routes.getConsole, {
          params: { id: run },
          query: attempt === undefined ? {} : { attempt }
        });
        const { notice, serial, log } = output;
        return {
          value: output,
          lines: [
            `Attempt ${output.attempt} of ${output.attempts}. ${notice}`,
            '',
            'The launcher’s log:',
            ...(log.length === 0 ? ['  (no entries)'] : []),
            ...log.map(({ at, severity, message }) => `  ${at}  ${severity}  ${message}`),
            '',
            'The end of the serial console:',
            serial ?? '  (the machine does not exist any more)'
          ]
        };
      })
    );
};

import { custodianPaths } from '../../custodian/config.js';
import { TICKET_MINUTES, writeTicket } from '../../custodian/sign-in/tickets.js';
import type { Register } from '../context.js';
import { custodianHome } from '../custodian-folder.js';

/** What whoever runs a custodian does beside it. */
export const registerCustodian: Register = (program, act) => {
  program
    .command('custodian')
    .description('look after a custodian')
    .command('sign-in <person>')
    .description('print a one-time link for a reviewer who has no passkey there yet')
    .option('--party <party>', 'whose custodian')
    .option('--custodian <folder>', 'the custodian’s folder')
    .action(
      act(async (context, person: string, { party, custodian }: { party?: string; custodian?: string }) => {
        const own = await custodianHome(context, party, custodian);
        const ticket = await writeTicket(custodianPaths(own).tickets, person, context.terminal.now());
        const link = `${own.config.origin}/sign-in?ticket=${ticket}`;
        return {
          value: { link, person, minutes: TICKET_MINUTES },
          lines: [
            link,
            `For ${person}, once, within ${TICKET_MINUTES} minutes. Send it by a way that others can't read.`
          ]
        };
      })
    );
};

import type { Register } from '../context.js';
import { createTicket, openCustodianFolder } from '../custodian/custodian.js';

/** Adds the administration commands for a custodian. */
export const registerCustodian: Register = (program, act) => {
  program
    .command('custodian')
    .description('Manage a custodian')
    .command('sign-in <person>')
    .description('Print a one-time sign-in link for a reviewer who has no passkey yet')
    .option('--party <party>', 'Party of the custodian')
    .option('--custodian <folder>', 'Folder of the custodian')
    .action(
      act(async (context, person: string, { party, custodian }: { party?: string; custodian?: string }) => {
        const own = await openCustodianFolder(context, party, custodian);
        const { ticket, minutes } = await createTicket(own, person, context.terminal.now());
        const link = `${own.config.origin}/sign-in?ticket=${ticket}`;
        return {
          value: { link, person, minutes },
          lines: [
            link,
            `The link is for ${person} and works once within ${minutes} minutes. Send it confidentially.`
          ]
        };
      })
    );
};

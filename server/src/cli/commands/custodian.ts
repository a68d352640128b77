import path from 'node:path';
import { checkSchema, Envelope, parseStrictJson } from '@clean-room/protocol/documents';
import type { Register } from '../context.js';
import { readRequired } from '../files.js';
import { createTicket, importRevocationList, openCustodianFolder } from '../custodian/custodian.js';

/** Adds the administration commands for a custodian. */
export const registerCustodian: Register = (program, act) => {
  const group = program.command('custodian').description('Manage a custodian');
  group
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
  group
    .command('import-revocations <file>')
    .description('Import a release key’s list of revoked kernel images; a running custodian uses it at once')
    .option('--party <party>', 'Party of the custodian')
    .option('--custodian <folder>', 'Folder of the custodian')
    .action(
      act(async (context, file: string, { party, custodian }: { party?: string; custodian?: string }) => {
        const bytes = await readRequired(path.resolve(context.terminal.folder, file));
        const list = checkSchema(Envelope, parseStrictJson(bytes), 'list of revoked kernel images');
        const own = await openCustodianFolder(context, party, custodian);
        const { signer, version, entries } = await importRevocationList(own, list);
        return {
          value: { signer, version, revoked: entries },
          lines: [
            `Version ${version} of the list of ${signer} is imported. It revokes:`,
            ...entries.map(({ digest, revokedAt, reason }) => `  ${digest} since ${revokedAt}: ${reason}`),
            'Nothing is approved on these kernel images any more, and no key is released to them.'
          ]
        };
      })
    );
};

import path from 'node:path';
import { writeFileAtomic } from '@clean-room/node-support';
import { checkSchema, Envelope, parseStrictJson } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { Roster } from '@clean-room/protocol/parties';
import { routes } from '@clean-room/api/coordinator';
import type { Register } from '../context.js';
import { connect } from '../coordinator/connect.js';
import { readRequired } from '../files.js';

/** Adds the commands for the person who keeps a party's root key: sign a roster offline, and publish it. */
export const registerRoster: Register = (program, act) => {
  const roster = program.command('roster').description('Sign and publish a party’s roster');
  roster
    .command('sign <file>')
    .description('Sign a roster with the party’s root key, without a network connection')
    .requiredOption('--key <file>', 'File with the root key')
    .requiredOption('--out <file>', 'File for the signed roster')
    .action(
      act(async ({ terminal }, file: string, options: { key: string; out: string }) => {
        const { value } = Roster.read(await readRequired(path.resolve(terminal.folder, file)));
        const { readSigningKey } = await import('../../custodian/index.js');
        const key = await readSigningKey(path.resolve(terminal.folder, options.key));
        if (key.publicKey !== value.rootKey) {
          throw new CleanRoomError(
            'signature-invalid',
            `The file does not contain the root key of ${value.party}. Nothing was signed.`,
            { remedy: `Use the file with the key ${value.rootKey}.` }
          );
        }
        const out = path.resolve(terminal.folder, options.out);
        await writeFileAtomic(out, JSON.stringify(Roster.sign(value, key)), 0o644);
        const people = value.people.map(
          ({ id, roles, passkeys }) => `  ${id}: ${roles.join(', ')}; ${passkeys.length} passkeys`
        );
        return {
          value: { party: value.party, version: value.version, file: out },
          lines: [
            `Signed version ${value.version} of ${value.party}’s roster:`,
            ...people,
            `The signed roster is in ${out}.`
          ]
        };
      })
    );
  roster
    .command('publish <file>')
    .description('Publish a signed roster')
    .action(
      act(async (context, file: string) => {
        const bytes = await readRequired(path.resolve(context.terminal.folder, file));
        const signed = checkSchema(Envelope, parseStrictJson(bytes), 'signed roster');
        const { party, version } = Roster.peek(signed).value;
        const { client } = await connect(context, party);
        const { digest } = await client.call(routes.publishRoster, { body: { roster: signed } });
        return {
          value: { party, version, digest },
          lines: [`Version ${version} of ${party}’s roster is published.`]
        };
      })
    );
};

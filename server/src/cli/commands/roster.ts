import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { checkSchema, Envelope, parseStrictJson } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { Roster } from '@clean-room/protocol/parties';
import { routes } from '@clean-room/api/coordinator';
import { readSigningKey } from '../../custodian/keys/key-folder.js';
import { writeFileAtomic } from '@clean-room/node-support';
import type { Register } from '../context.js';
import { connect } from '../coordinator/connect.js';

async function read(file: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(file));
  } catch (cause) {
    throw new CleanRoomError('not-found', `${file} can not be read.`, { cause });
  }
}

/** What whoever keeps a party's root key does: sign its roster, offline, and publish what was signed. */
export const registerRoster: Register = (program, act) => {
  const roster = program.command('roster').description('sign and publish a party’s roster');
  roster
    .command('sign <file>')
    .description('sign a roster with the party’s root key; needs no network')
    .requiredOption('--key <file>', 'the root key')
    .requiredOption('--out <file>', 'where the signed roster goes')
    .action(
      act(async ({ terminal }, file: string, options: { key: string; out: string }) => {
        const { value } = Roster.read(await read(path.resolve(terminal.folder, file)));
        const key = await readSigningKey(path.resolve(terminal.folder, options.key));
        if (key.publicKey !== value.rootKey) {
          throw new CleanRoomError(
            'signature-invalid',
            `This is not the root key of ${value.party}. Nothing was signed.`,
            {
              remedy: `Use the key ${value.rootKey}.`
            }
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
            `It is in ${out}.`
          ]
        };
      })
    );
  roster
    .command('publish <file>')
    .description('publish a signed roster')
    .action(
      act(async (context, file: string) => {
        const bytes = await read(path.resolve(context.terminal.folder, file));
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

import { CleanRoomError } from '@clean-room/protocol/errors';
import type { Register } from '../context.js';
import { findIdentity, makeIdentity } from '../home/identity.js';

/** Shows the person's public keys, which their party's roster lists; makes them when asked to. */
export const registerIdentity: Register = (program, act) => {
  program
    .command('identity')
    .description('show your public keys, for your party’s roster')
    .option('--make', 'make them if you have none; existing ones are kept')
    .action(
      act(async ({ home }, { make }: { make?: boolean }) => {
        const keys = make === true ? await makeIdentity(home) : await findIdentity(home);
        if (keys === undefined) {
          throw new CleanRoomError('not-found', `You have no keys yet in ${home.folder}.`, {
            remedy: 'Run "clean-room identity --make".'
          });
        }
        const { publicKey } = keys.signing;
        return {
          value: { key: publicKey, recipient: keys.recipient, folder: home.folder },
          lines: [
            `signs your submissions:  ${publicKey}`,
            `opens your results:      ${keys.recipient}`,
            `The secret halves are in ${home.folder}. Keep a copy of that folder in a safe place.`
          ]
        };
      })
    );
};

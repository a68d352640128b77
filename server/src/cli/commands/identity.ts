import { CleanRoomError } from '@clean-room/protocol/errors';
import type { Register } from '../context.js';
import { createIdentity, findIdentity } from '../home/identity.js';

/** Adds `identity`, which shows a person's public keys for their party's roster, and creates the keys on request. */
export const registerIdentity: Register = (program, act) => {
  program
    .command('identity')
    .description('Show your public keys, for your party’s roster')
    .option('--make', 'Create the keys if you have none; existing keys are kept')
    .action(
      act(async ({ home }, { make }: { make?: boolean }) => {
        const keys = make === true ? await createIdentity(home) : await findIdentity(home);
        if (keys === undefined) {
          throw new CleanRoomError('not-found', `You have no keys in ${home.folder} yet.`, {
            remedy: 'Run "clean-room identity --make".'
          });
        }
        const { publicKey } = keys.signing;
        return {
          value: { key: publicKey, recipient: keys.recipient, folder: home.folder },
          lines: [
            `Key that signs your submissions:  ${publicKey}`,
            `Key that opens your results:      ${keys.recipient}`,
            `The secret keys are in ${home.folder}. Keep a copy of that folder in a safe place.`
          ]
        };
      })
    );
};

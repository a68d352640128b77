import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, InputDialog } from '@jupyterlab/apputils';
import { IStateDB } from '@jupyterlab/statedb';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { CommandIDs, stringArgument } from '../commands.js';
import { ICleanRoom, TRANSLATION_DOMAIN } from '../tokens.js';
import { CleanRoomSession, type PartyStorage } from './session.js';

const STORAGE_KEY = '@clean-room/jupyterlab:session';

/** Stores the party in JupyterLab's state database. */
function storageIn(state: IStateDB | null): PartyStorage {
  return {
    read: async () => {
      const value = await state?.fetch(STORAGE_KEY);
      return typeof value === 'string' ? value : undefined;
    },
    write: async party => {
      await state?.save(STORAGE_KEY, party);
    }
  };
}

/** Provides the connection that every other plugin uses. */
export const sessionPlugin: JupyterFrontEndPlugin<ICleanRoom> = {
  id: '@clean-room/jupyterlab:session',
  description: 'Connects to the clean room and remembers the party that you act for.',
  autoStart: true,
  provides: ICleanRoom,
  optional: [IStateDB, ITranslator, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    state: IStateDB | null,
    translator: ITranslator | null,
    palette: ICommandPalette | null
  ) => {
    const trans = (translator ?? nullTranslator).load(TRANSLATION_DOMAIN);
    const session = new CleanRoomSession(app.serviceManager.serverSettings, storageIn(state));
    app.commands.addCommand(CommandIDs.chooseParty, {
      label: trans.__('Change Party…'),
      isEnabled: () => (session.me?.parties.length ?? 0) > 1,
      describedBy: {
        args: {
          type: 'object',
          properties: { party: { type: 'string', description: trans.__('Name of the party') } }
        }
      },
      execute: async args => {
        const parties = session.me?.parties ?? [];
        const chosen = stringArgument(args, 'party') ?? (await choose());
        if (chosen !== undefined) await session.actFor(chosen);

        async function choose(): Promise<string | undefined> {
          const current = parties.findIndex(({ party }) => party === session.acting?.party);
          const { value } = await InputDialog.getItem({
            title: trans.__('Which party do you act for?'),
            items: parties.map(({ title }) => title),
            current: Math.max(0, current)
          });
          return parties.find(({ title }) => title === value)?.party;
        }
      }
    });
    session.changed.connect(() => app.commands.notifyCommandChanged(CommandIDs.chooseParty));
    palette?.addItem({ command: CommandIDs.chooseParty, category: trans.__('Clean Room') });
    void app.restored.then(() => session.start());
    return session;
  }
};

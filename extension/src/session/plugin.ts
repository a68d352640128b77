import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, InputDialog } from '@jupyterlab/apputils';
import { IStateDB } from '@jupyterlab/statedb';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { CommandIDs } from '../commands.js';
import { ICleanRoom, TRANSLATION_DOMAIN } from '../tokens.js';
import { CleanRoomSession, type PartyMemory } from './session.js';

const MEMORY_KEY = '@clean-room/jupyterlab:session';

function memoryIn(state: IStateDB | null): PartyMemory {
  return {
    read: async () => {
      const value = await state?.fetch(MEMORY_KEY);
      return typeof value === 'string' ? value : undefined;
    },
    write: async party => {
      await state?.save(MEMORY_KEY, party);
    }
  };
}

/** The connection that every other feature uses. */
export const sessionPlugin: JupyterFrontEndPlugin<ICleanRoom> = {
  id: '@clean-room/jupyterlab:session',
  description: 'Connects to the clean room and remembers for which party the person acts.',
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
    const session = new CleanRoomSession(app.serviceManager.serverSettings, memoryIn(state));
    app.commands.addCommand(CommandIDs.chooseParty, {
      label: trans.__('Act for Another Party…'),
      isEnabled: () => (session.me?.parties.length ?? 0) > 1,
      describedBy: {
        args: {
          type: 'object',
          properties: { party: { type: 'string', description: trans.__('Name of the party') } }
        }
      },
      execute: async args => {
        const parties = session.me?.parties ?? [];
        const wanted = typeof args['party'] === 'string' ? args['party'] : await choose();
        if (wanted !== undefined) await session.actFor(wanted);

        async function choose(): Promise<string | undefined> {
          const current = parties.findIndex(({ party }) => party === session.acting?.party);
          const { value } = await InputDialog.getItem({
            title: trans.__('For which party do you act?'),
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

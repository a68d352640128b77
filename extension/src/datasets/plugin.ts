import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { INotebookTracker, NotebookActions } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { CommandIDs, stringArgument } from '../commands.js';
import { cleanRoomIcon } from '../icons.js';
import { languageTag } from '../shared/format.js';
import { ICleanRoom, ICleanRoomPanel, IDatasets, TRANSLATION_DOMAIN } from '../tokens.js';
import { DatasetsModel } from './model.js';
import { DatasetsPanel } from './panel.js';

/** Adds the datasets section to the panel, and downloads stand-ins so that kernels can open them. */
export const datasetsPlugin: JupyterFrontEndPlugin<IDatasets> = {
  id: '@clean-room/jupyterlab:datasets',
  description: 'Lists datasets, and downloads their stand-ins for notebooks.',
  autoStart: true,
  provides: IDatasets,
  requires: [ICleanRoom, ICleanRoomPanel],
  optional: [INotebookTracker, ITranslator, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    session: ICleanRoom,
    panel: ICleanRoomPanel,
    notebooks: INotebookTracker | null,
    translator: ITranslator | null,
    palette: ICommandPalette | null
  ): IDatasets => {
    const { commands, shell } = app;
    const trans = (translator ?? nullTranslator).load(TRANSLATION_DOMAIN);
    const language = languageTag((translator ?? nullTranslator).languageCode);
    const model = new DatasetsModel(session);

    commands.addCommand(CommandIDs.insertDataset, {
      label: trans.__('Use Dataset in Notebook'),
      isVisible: args => typeof args['dataset'] === 'string',
      describedBy: {
        args: {
          type: 'object',
          properties: { dataset: { type: 'string', description: trans.__('Name of the dataset') } }
        }
      },
      execute: args => {
        const notebook = notebooks?.currentWidget?.content;
        const name = stringArgument(args, 'dataset');
        if (notebook === undefined || name === undefined) return;
        const variable = name.split('/').at(-1)?.replaceAll('-', '_') ?? 'data';
        NotebookActions.insertBelow(notebook);
        notebook.activeCell?.model.sharedModel.setSource(
          `from clean_room import open_dataset\n\n${variable} = open_dataset("${name}").to_pandas()\n${variable}.shape`
        );
      }
    });

    commands.addCommand(CommandIDs.showDatasets, {
      label: trans.__('Show Clean Room Datasets'),
      icon: cleanRoomIcon,
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => shell.activateById(panel.id)
    });

    const insert = (dataset: string): void => void commands.execute(CommandIDs.insertDataset, { dataset });
    panel.addWidget(new DatasetsPanel({ model, insert, trans, language }));
    palette?.addItem({ command: CommandIDs.showDatasets, category: trans.__('Clean Room') });
    return model;
  }
};

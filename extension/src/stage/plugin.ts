import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { CommandIDs } from '../commands.js';
import { IDatasets, IRuns, TRANSLATION_DOMAIN } from '../tokens.js';
import { CountsItem } from './counts-item.js';
import { StageItem, StageModel } from './stage-item.js';

/** Adds the clean room's items to the status bar. */
export const stagePlugin: JupyterFrontEndPlugin<void> = {
  id: '@clean-room/jupyterlab:stage',
  description: 'Shows in the status bar that a notebook uses stand-in data, and how many runs are active.',
  autoStart: true,
  requires: [IRuns, IDatasets],
  optional: [IStatusBar, INotebookTracker, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    runs: IRuns,
    datasets: IDatasets,
    statusBar: IStatusBar | null,
    notebooks: INotebookTracker | null,
    translator: ITranslator | null
  ) => {
    if (statusBar === null) return;
    const trans = (translator ?? nullTranslator).load(TRANSLATION_DOMAIN);
    const open = (list: 'runs' | 'review'): void =>
      void app.commands.execute(list === 'runs' ? CommandIDs.showRuns : CommandIDs.review);
    const counts = new CountsItem(runs, open, trans);
    statusBar.registerStatusItem('@clean-room/jupyterlab:counts', { item: counts, align: 'right', rank: 50 });
    if (notebooks === null) return;
    const model = new StageModel(datasets, notebooks);
    statusBar.registerStatusItem('@clean-room/jupyterlab:stage', {
      item: new StageItem(model, trans),
      align: 'middle',
      isActive: () => model.isActive,
      activeStateChanged: model.stateChanged
    });
  }
};

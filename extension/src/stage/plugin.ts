import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { CommandIDs } from '../commands.js';
import { IDatasets, IRuns, TRANSLATION_DOMAIN } from '../tokens.js';
import { CountsItem } from './counts-item.js';
import { StageItem, StageModel } from './stage-item.js';

/** The clean room's words in the status bar. */
export const stagePlugin: JupyterFrontEndPlugin<void> = {
  id: '@clean-room/jupyterlab:stage',
  description: 'Says in the status bar that a notebook works on stand-ins, and what is under way.',
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
    const open = (what: 'runs' | 'review'): void =>
      void app.commands.execute(what === 'runs' ? CommandIDs.showRuns : CommandIDs.review);
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

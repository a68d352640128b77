import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { WidgetTracker } from '@jupyterlab/apputils';
import { IEditorServices } from '@jupyterlab/codeeditor';
import { PathExt } from '@jupyterlab/coreutils';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { CommandIDs, stringArgument } from '../commands.js';
import { languageTag } from '../shared/format.js';
import { notifyProblem } from '../shared/problems.js';
import { ICleanRoom, IRuns, TRANSLATION_DOMAIN } from '../tokens.js';
import { ResultModel } from './model.js';
import { ResultWidget } from './widget.js';

/** Downloads bytes as a file. */
function downloadAs(bytes: Uint8Array, name: string): void {
  const address = URL.createObjectURL(new Blob([new Uint8Array(bytes)], { type: 'application/json' }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}

/** Adds the result view and its commands. */
export const resultsPlugin: JupyterFrontEndPlugin<void> = {
  id: '@clean-room/jupyterlab:results',
  description: 'Shows the outputs of a run, and verifies its receipt in the browser.',
  autoStart: true,
  requires: [ICleanRoom, IRuns, IEditorServices, IRenderMimeRegistry],
  optional: [ITranslator, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    session: ICleanRoom,
    runs: IRuns,
    editors: IEditorServices,
    rendermime: IRenderMimeRegistry,
    translator: ITranslator | null,
    restorer: ILayoutRestorer | null
  ) => {
    const { commands, shell } = app;
    const trans = (translator ?? nullTranslator).load(TRANSLATION_DOMAIN);
    const language = languageTag((translator ?? nullTranslator).languageCode);
    const tracker = new WidgetTracker<ResultWidget>({ namespace: 'clean-room-results' });
    const describedBy = {
      args: { type: 'object', properties: { run: { type: 'string', description: trans.__('The run’s id') } } }
    } as const;
    const isVisible = (args: object): boolean => 'run' in args;

    const stemOf = (name: string): string => PathExt.basename(name, '.ipynb');

    const saveReceipt = async (id: string, known?: Uint8Array): Promise<void> => {
      const bytes = known ?? (await (await session.client()).receipt(id));
      downloadAs(bytes, `${stemOf(runs.run(id)?.notebook ?? 'run')}.receipt.json`);
    };

    const openInWorkspace = async (model: ResultModel): Promise<void> => {
      // An id begins with the time, so only its last characters differ between runs of one day.
      const folder = `clean-room results/${stemOf(model.run?.notebook ?? 'result')} ${model.runId.slice(-6)}`;
      const path = await model.openInWorkspace(folder);
      await commands.execute('docmanager:open', { path });
    };

    const report = (error: unknown): void => notifyProblem(error, trans);

    const createWidget = (id: string): ResultWidget => {
      const model = new ResultModel(session, id);
      const actions = {
        openInWorkspace: () => void openInWorkspace(model).catch(report),
        saveReceipt: () => void saveReceipt(id, model.receipt).catch(report)
      };
      const widget = new ResultWidget(model, { editors, rendermime, trans, language, actions });
      void model.load();
      return widget;
    };

    commands.addCommand(CommandIDs.openResult, {
      label: trans.__('Open Result'),
      isVisible,
      describedBy,
      execute: async args => {
        const id = stringArgument(args, 'run');
        if (id === undefined) return;
        const open = tracker.find(({ model }) => model.runId === id);
        if (open === undefined) {
          const widget = createWidget(id);
          await tracker.add(widget);
          shell.add(widget, 'main');
        }
        shell.activateById((open ?? tracker.find(({ model }) => model.runId === id))?.id ?? '');
      }
    });

    commands.addCommand(CommandIDs.saveReceipt, {
      label: trans.__('Save Receipt'),
      isVisible,
      describedBy,
      execute: async args => {
        const id = stringArgument(args, 'run');
        if (id !== undefined) await saveReceipt(id).catch(report);
      }
    });

    if (restorer !== null) {
      void restorer.restore(tracker, {
        command: CommandIDs.openResult,
        args: ({ model }) => ({ run: model.runId }),
        name: ({ model }) => model.runId
      });
    }
  }
};

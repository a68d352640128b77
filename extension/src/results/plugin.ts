import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { WidgetTracker } from '@jupyterlab/apputils';
import { IEditorServices } from '@jupyterlab/codeeditor';
import { PathExt } from '@jupyterlab/coreutils';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { asProblem } from '../api/problem.js';
import { CommandIDs } from '../commands.js';
import { showProblem } from '../shared/show-problem.js';
import { languageTag } from '../shared/time.js';
import { ICleanRoom, IRuns, TRANSLATION_DOMAIN } from '../tokens.js';
import { ResultModel } from './model.js';
import { saveAs } from './save.js';
import { ResultWidget } from './widget.js';

/** Opens what came back from a run. */
export const resultsPlugin: JupyterFrontEndPlugin<void> = {
  id: '@clean-room/jupyterlab:results',
  description: 'Shows the filtered outputs of a run, and verifies its receipt in the browser.',
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
      saveAs(bytes, `${stemOf(runs.run(id)?.notebook ?? 'run')}.receipt.json`);
    };

    const openInWorkspace = async (model: ResultModel): Promise<void> => {
      // The last letters of an id tell runs apart; the first ones are the time.
      const folder = `clean-room results/${stemOf(model.run?.notebook ?? 'result')} ${model.runId.slice(-6)}`;
      const path = await model.openInWorkspace(folder);
      await commands.execute('docmanager:open', { path });
    };

    const make = (id: string): ResultWidget => {
      const model = new ResultModel(session, id);
      const guarded = (task: Promise<void>): void =>
        void task.catch(error => showProblem(asProblem(error), trans));
      const actions = {
        openInWorkspace: () => guarded(openInWorkspace(model)),
        saveReceipt: () => guarded(saveReceipt(id, model.receipt))
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
        const id = String(args['run']);
        const open = tracker.find(({ model }) => model.runId === id);
        if (open === undefined) {
          const widget = make(id);
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
      execute: args => saveReceipt(String(args['run'])).catch(error => showProblem(asProblem(error), trans))
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

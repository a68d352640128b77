import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, WidgetTracker } from '@jupyterlab/apputils';
import { IEditorServices } from '@jupyterlab/codeeditor';
import { ILauncher } from '@jupyterlab/launcher';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { CommandIDs, stringArgument } from '../commands.js';
import { reviewIcon } from '../icons.js';
import { languageTag } from '../shared/format.js';
import { ICleanRoom, IDatasets, IRuns, TRANSLATION_DOMAIN } from '../tokens.js';
import { ReviewModel } from './model.js';
import { ReviewWidget } from './widget.js';

/** Adds the view of submissions and reviews in the main area, and its command. */
export const reviewPlugin: JupyterFrontEndPlugin<void> = {
  id: '@clean-room/jupyterlab:review',
  description: 'Shows submissions to the people who review them and to those who submitted them.',
  autoStart: true,
  requires: [ICleanRoom, IRuns, IDatasets, IEditorServices, IRenderMimeRegistry],
  optional: [ITranslator, ICommandPalette, ILayoutRestorer, ILauncher],
  activate: (
    app: JupyterFrontEnd,
    session: ICleanRoom,
    runs: IRuns,
    datasets: IDatasets,
    editors: IEditorServices,
    rendermime: IRenderMimeRegistry,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    launcher: ILauncher | null
  ) => {
    const { commands, shell } = app;
    const trans = (translator ?? nullTranslator).load(TRANSLATION_DOMAIN);
    const language = languageTag((translator ?? nullTranslator).languageCode);
    const tracker = new WidgetTracker<ReviewWidget>({ namespace: 'clean-room-review' });
    const model = new ReviewModel(session, runs, datasets);

    commands.addCommand(CommandIDs.review, {
      label: trans.__('Clean Room Submissions and Reviews'),
      caption: trans.__('Show submissions, their status, and the decisions that you must make'),
      icon: reviewIcon,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            submission: { type: 'string', description: trans.__('The id of the submission to show') }
          }
        }
      },
      execute: async args => {
        let widget = tracker.currentWidget;
        if (widget === null) {
          widget = new ReviewWidget(model, { editors, rendermime, trans, language });
          await tracker.add(widget);
          shell.add(widget, 'main');
        }
        shell.activateById(widget.id);
        const submission = stringArgument(args, 'submission');
        if (submission !== undefined && submission !== '') void model.select(submission);
      }
    });

    const category = trans.__('Clean Room');
    palette?.addItem({ command: CommandIDs.review, category });
    launcher?.add({ command: CommandIDs.review, category, rank: 1 });
    if (restorer !== null) {
      void restorer.restore(tracker, {
        command: CommandIDs.review,
        args: ({ model: { selected } }) => (selected === undefined ? {} : { submission: selected }),
        name: () => 'review'
      });
    }
  }
};

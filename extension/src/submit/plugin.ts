import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, Notification } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { asProblem } from '../api/problem.js';
import { CommandIDs } from '../commands.js';
import { submitIcon } from '../icons.js';
import { showProblem } from '../shared/show-problem.js';
import { names } from '../shared/status.js';
import { ICleanRoom, IRuns, TRANSLATION_DOMAIN } from '../tokens.js';
import { askForSubmission } from './dialog.js';
import { draftOf, predecessorOf } from './read-draft.js';
import { SubmitModel } from './model.js';

/** "Submit to Clean Room": on the notebook's toolbar, in palette, menus, context menu. */
export const submitPlugin: JupyterFrontEndPlugin<void> = {
  id: '@clean-room/jupyterlab:submit',
  description: 'Submits a notebook to the clean room.',
  autoStart: true,
  requires: [ICleanRoom, IRuns],
  optional: [INotebookTracker, IDefaultFileBrowser, ITranslator, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    session: ICleanRoom,
    runs: IRuns,
    notebooks: INotebookTracker | null,
    browser: IDefaultFileBrowser | null,
    translator: ITranslator | null,
    palette: ICommandPalette | null
  ) => {
    const { commands } = app;
    const trans = (translator ?? nullTranslator).load(TRANSLATION_DOMAIN);

    const submit = async (path: string): Promise<void> => {
      const draft = await draftOf(app.serviceManager.contents, path);
      const predecessor = predecessorOf(runs.all, draft.notebook, session.acting?.party ?? '');
      const model = new SubmitModel(session, { ...draft, predecessor });
      const agreed = await askForSubmission(model, PathExt.basename(path), trans);
      if (agreed === null) return;
      const submitting = session.host.submit(agreed.asked, agreed.image);
      await follow(submitting, agreed.providers);
    };

    const follow = async (submitting: Promise<unknown>, providers: readonly string[]): Promise<void> => {
      const id = Notification.emit(trans.__('Signing and submitting…'), 'in-progress', { autoClose: false });
      try {
        await submitting;
        Notification.update({
          id,
          type: 'success',
          message:
            providers.length === 0
              ? trans.__('Submitted. It runs now.')
              : trans.__(
                  'Submitted. It runs once %1 approved.',
                  names(
                    providers.map(party => session.titleOf(party)),
                    trans
                  )
                ),
          autoClose: 8000,
          actions: [
            { label: trans.__('Show runs'), callback: () => void commands.execute(CommandIDs.showRuns) }
          ]
        });
      } catch (error) {
        Notification.dismiss(id);
        showProblem(asProblem(error), trans);
      }
    };

    const explain = (): string | undefined => session.problem?.message;
    const usable = (): boolean => session.problem === undefined && session.may('researcher');
    const caption = (): string =>
      explain() ??
      (usable()
        ? trans.__('Submit a copy of this notebook to the clean room, to run it on the real data')
        : trans.__('You act for a party for which you can’t submit notebooks'));

    commands.addCommand(CommandIDs.submit, {
      label: args =>
        args['isPalette'] === true
          ? trans.__('Submit Notebook to Clean Room')
          : trans.__('Submit to Clean Room'),
      caption,
      icon: submitIcon,
      isEnabled: () => usable() && notebooks?.currentWidget !== null && notebooks !== null,
      describedBy: { args: { type: 'object', properties: {} } },
      execute: async () => {
        const panel = notebooks?.currentWidget;
        if (!panel) return;
        try {
          // The command on the Jupyter host reads the file: it must hold what the person sees.
          if (panel.context.model.dirty) await panel.context.save();
          await submit(panel.context.path);
        } catch (error) {
          showProblem(asProblem(error), trans);
        }
      }
    });

    commands.addCommand(CommandIDs.submitFile, {
      label: trans.__('Submit to Clean Room'),
      caption,
      icon: submitIcon,
      isEnabled: usable,
      describedBy: { args: { type: 'object', properties: {} } },
      execute: async () => {
        const selected = browser?.selectedItems().next().value;
        if (selected?.type !== 'notebook') return;
        const open = notebooks?.find(({ context }) => context.path === selected.path);
        try {
          if (open?.context.model.dirty === true) await open.context.save();
          await submit(selected.path);
        } catch (error) {
          showProblem(asProblem(error), trans);
        }
      }
    });

    const look = (): void => {
      commands.notifyCommandChanged(CommandIDs.submit);
      commands.notifyCommandChanged(CommandIDs.submitFile);
    };
    session.changed.connect(look);
    notebooks?.currentChanged.connect(look);
    palette?.addItem({
      command: CommandIDs.submit,
      category: trans.__('Clean Room'),
      args: { isPalette: true }
    });
  }
};

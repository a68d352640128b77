import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, Notification } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { CommandIDs } from '../commands.js';
import { submitIcon } from '../icons.js';
import { languageTag } from '../shared/format.js';
import { notifyProblem } from '../shared/problems.js';
import { joinNames } from '../shared/status.js';
import { ICleanRoom, IRuns, TRANSLATION_DOMAIN } from '../tokens.js';
import { showSubmitDialog } from './dialog.js';
import { findPredecessor, readDraft } from './draft.js';
import { SubmitModel } from './model.js';

/** Adds "Submit to Clean Room" to the notebook toolbar, the menus and the command palette. */
export const submitPlugin: JupyterFrontEndPlugin<void> = {
  id: '@clean-room/jupyterlab:submit',
  description: 'Submits notebooks to the clean room.',
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

    const language = languageTag((translator ?? nullTranslator).languageCode);

    const submit = async (path: string): Promise<void> => {
      const draft = await readDraft(app.serviceManager.contents, path);
      const predecessor = findPredecessor(runs.all, draft.notebook, session.acting?.party ?? '');
      const model = new SubmitModel(session, { ...draft, predecessor });
      const confirmed = await showSubmitDialog(model, PathExt.basename(path), language, trans);
      if (confirmed === null) return;
      await notifyOf(session.host.submit(confirmed.options, confirmed.image), confirmed.providers);
    };

    const notifyOf = async (submitting: Promise<unknown>, providers: readonly string[]): Promise<void> => {
      const id = Notification.emit(trans.__('Submitting…'), 'in-progress', { autoClose: false });
      try {
        await submitting;
        Notification.update({
          id,
          type: 'success',
          message:
            providers.length === 0
              ? trans.__('Submitted. It runs now.')
              : trans._n(
                  'Submitted. It will run as soon as %2 approves it.',
                  'Submitted. It will run as soon as %2 approve it.',
                  providers.length,
                  joinNames(
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
        notifyProblem(error, trans);
      }
    };

    const isUsable = (): boolean => session.problem === undefined && session.may('researcher');
    const caption = (): string =>
      session.problem?.message ??
      (isUsable()
        ? trans.__('Submit a copy of this notebook to the clean room, to run it on the real data')
        : trans.__('You act for a party for which you cannot submit notebooks'));

    commands.addCommand(CommandIDs.submit, {
      label: args =>
        args['isPalette'] === true
          ? trans.__('Submit Notebook to Clean Room')
          : trans.__('Submit to Clean Room'),
      caption,
      icon: submitIcon,
      isEnabled: () => isUsable() && notebooks?.currentWidget !== null && notebooks !== null,
      describedBy: { args: { type: 'object', properties: {} } },
      execute: async () => {
        const panel = notebooks?.currentWidget;
        if (!panel) return;
        try {
          // The command on the Jupyter server reads the saved file, so save what the person sees.
          if (panel.context.model.dirty) await panel.context.save();
          await submit(panel.context.path);
        } catch (error) {
          notifyProblem(error, trans);
        }
      }
    });

    commands.addCommand(CommandIDs.submitFile, {
      label: trans.__('Submit to Clean Room'),
      caption,
      icon: submitIcon,
      isEnabled: isUsable,
      describedBy: { args: { type: 'object', properties: {} } },
      execute: async () => {
        const [selected] = browser === null ? [] : Array.from(browser.selectedItems());
        if (selected?.type !== 'notebook') return;
        const open = notebooks?.find(({ context }) => context.path === selected.path);
        try {
          if (open?.context.model.dirty === true) await open.context.save();
          await submit(selected.path);
        } catch (error) {
          notifyProblem(error, trans);
        }
      }
    });

    const update = (): void => {
      commands.notifyCommandChanged(CommandIDs.submit);
      commands.notifyCommandChanged(CommandIDs.submitFile);
    };
    session.changed.connect(update);
    notebooks?.currentChanged.connect(update);
    palette?.addItem({
      command: CommandIDs.submit,
      category: trans.__('Clean Room'),
      args: { isPalette: true }
    });
  }
};

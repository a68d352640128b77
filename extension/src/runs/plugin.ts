import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Dialog, ICommandPalette, showDialog } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { CommandIDs, stringArgument } from '../commands.js';
import { cleanRoomIcon } from '../icons.js';
import { notifyProblem } from '../shared/problems.js';
import { ICleanRoom, ICleanRoomPanel, IRuns, TRANSLATION_DOMAIN } from '../tokens.js';
import { RunsModel } from './model.js';
import { RunsPanel } from './panel.js';

/** Adds the runs section to the panel, and the commands for runs. */
export const runsPlugin: JupyterFrontEndPlugin<IRuns> = {
  id: '@clean-room/jupyterlab:runs',
  description: 'Lists submissions and runs, and lets you cancel them.',
  autoStart: true,
  provides: IRuns,
  requires: [ICleanRoom, ICleanRoomPanel],
  optional: [ITranslator, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    session: ICleanRoom,
    panel: ICleanRoomPanel,
    translator: ITranslator | null,
    palette: ICommandPalette | null
  ): IRuns => {
    const { commands, shell } = app;
    const trans = (translator ?? nullTranslator).load(TRANSLATION_DOMAIN);
    const model = new RunsModel(session);
    const runArgument = {
      args: { type: 'object', properties: { run: { type: 'string', description: trans.__('The run’s id') } } }
    } as const;

    const report = (error: unknown): void => notifyProblem(error, trans);

    const confirm = async (title: string, body: string, accept: string): Promise<boolean> => {
      const buttons = [
        Dialog.cancelButton({ label: trans.__('Go back') }),
        Dialog.warnButton({ label: accept })
      ];
      return (await showDialog({ title, body, buttons, defaultButton: 0 })).button.accept;
    };

    commands.addCommand(CommandIDs.showRuns, {
      label: trans.__('Show Clean Room Runs'),
      icon: cleanRoomIcon,
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => shell.activateById(panel.id)
    });

    commands.addCommand(CommandIDs.cancelRun, {
      label: trans.__('Cancel Run…'),
      isVisible: args => typeof args['run'] === 'string',
      describedBy: runArgument,
      execute: async args => {
        const run = model.run(stringArgument(args, 'run') ?? '');
        if (run === undefined) return;
        const sure = await confirm(
          trans.__('Cancel this run of %1?', run.notebook),
          trans.__(
            'The run stops now and cannot be continued. No output leaves the clean room. If the machine has already received the keys to the data, this run counts as one of the approved runs.'
          ),
          trans.__('Cancel run')
        );
        if (sure) await model.cancel(run.id).catch(report);
      }
    });

    const withdraw = async (submissionId: string): Promise<void> => {
      const sure = await confirm(
        trans.__('Withdraw this submission?'),
        trans.__('No provider can approve it any more. Your notebook is not changed.'),
        trans.__('Withdraw')
      );
      if (sure) await model.withdraw(submissionId).catch(report);
    };

    const section = new RunsPanel(
      model,
      {
        openResult: run => void commands.execute(CommandIDs.openResult, { run }),
        saveReceipt: run => void commands.execute(CommandIDs.saveReceipt, { run }),
        cancel: run => void commands.execute(CommandIDs.cancelRun, { run }),
        withdraw: submission => void withdraw(submission),
        runAgain: submission => void model.runAgain(submission).catch(report),
        show: submission => void commands.execute(CommandIDs.review, { submission })
      },
      translator ?? nullTranslator
    );
    panel.insertWidget(0, section);
    palette?.addItem({ command: CommandIDs.showRuns, category: trans.__('Clean Room') });
    return model;
  }
};

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator, type TranslationBundle } from '@jupyterlab/translation';
import { CommandIDs } from '../commands.js';
import { revisionStatus, runStatus, type Entry, type TitleOf } from '../shared/status.js';
import { ICleanRoom, IRuns, TRANSLATION_DOMAIN } from '../tokens.js';
import { newsBetween, type News } from './news.js';

interface Message {
  readonly text: string;
  readonly type: Notification.TypeOptions;
  readonly action: {
    readonly label: string;
    readonly command: string;
    readonly args: { readonly [name: string]: string };
  };
}

function messageOf(news: News, titleOf: TitleOf, trans: TranslationBundle): Message {
  switch (news.kind) {
    case 'run-ended': {
      const { run } = news;
      const { label, detail } = runStatus(run, titleOf, trans);
      const released = run.state === 'completed';
      return {
        text:
          detail === undefined
            ? trans.__('%1: %2.', run.notebook, label)
            : trans.__('%1: %2. %3', run.notebook, label, detail),
        type:
          released && run.failure === undefined ? 'success' : run.state === 'cancelled' ? 'info' : 'warning',
        action: released
          ? { label: trans.__('Open result'), command: CommandIDs.openResult, args: { run: run.id } }
          : { label: trans.__('Show runs'), command: CommandIDs.showRuns, args: {} }
      };
    }
    case 'decided': {
      const { submission } = news;
      const { label, detail } = revisionStatus(submission.revision, titleOf, trans);
      const { notebook } = submission.revision;
      return {
        text:
          detail === undefined
            ? trans.__('%1: %2.', notebook, label)
            : trans.__('%1: %2. %3', notebook, label, detail),
        type: 'warning',
        action: {
          label: trans.__('Show submission'),
          command: CommandIDs.review,
          args: { submission: submission.id }
        }
      };
    }
    case 'review-wanted':
      return {
        text: trans.__(
          '%1 from %2 waits for your review.',
          news.submission.revision.notebook,
          titleOf(news.submission.party)
        ),
        type: 'info',
        action: {
          label: trans.__('Review'),
          command: CommandIDs.review,
          args: { submission: news.submission.id }
        }
      };
    case 'outputs-wanted':
      return {
        text: trans.__('The outputs of %1 wait for your review.', news.run.notebook),
        type: 'info',
        action: {
          label: trans.__('Review'),
          command: CommandIDs.review,
          args: { submission: news.run.submission }
        }
      };
  }
}

/** Tells what has changed while the person did something else. */
export const notificationsPlugin: JupyterFrontEndPlugin<void> = {
  id: '@clean-room/jupyterlab:notifications',
  description: 'Notifies a person of the clean room’s news.',
  autoStart: true,
  requires: [ICleanRoom, IRuns],
  optional: [ITranslator],
  activate: (app: JupyterFrontEnd, session: ICleanRoom, runs: IRuns, translator: ITranslator | null) => {
    const trans = (translator ?? nullTranslator).load(TRANSLATION_DOMAIN);
    let seen: { readonly party: string; readonly entries: readonly Entry[] } | undefined;
    runs.stateChanged.connect(() => {
      const party = session.acting?.party;
      if (party === undefined || !runs.isReady) return;
      const entries = runs.all;
      const before = seen?.party === party ? seen.entries : undefined;
      seen = { party, entries };
      if (before === undefined) return;
      for (const news of newsBetween(before, entries, party, session.may('reviewer'))) {
        const { text, type, action } = messageOf(news, name => session.titleOf(name), trans);
        Notification.emit(text, type, {
          autoClose: type === 'success' || type === 'info' ? 10_000 : false,
          actions: [
            { label: action.label, callback: () => void app.commands.execute(action.command, action.args) }
          ]
        });
      }
    });
  }
};

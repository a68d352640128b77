import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator, type TranslationBundle } from '@jupyterlab/translation';
import { CommandIDs } from '../commands.js';
import { revisionStatus, runStatus, type Entry, type Viewer } from '../shared/status.js';
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

function messageOf(news: News, viewer: Viewer, trans: TranslationBundle): Message {
  switch (news.kind) {
    case 'run-ended': {
      const { run } = news;
      const { label, detail } = runStatus(run, viewer, trans);
      const completed = run.state === 'completed';
      return {
        text:
          detail === undefined
            ? trans.__('%1: %2.', run.notebook, label)
            : trans.__('%1: %2. %3', run.notebook, label, detail),
        type:
          completed && run.failure === undefined ? 'success' : run.state === 'cancelled' ? 'info' : 'warning',
        action: completed
          ? { label: trans.__('Open result'), command: CommandIDs.openResult, args: { run: run.id } }
          : { label: trans.__('Show runs'), command: CommandIDs.showRuns, args: {} }
      };
    }
    case 'decided': {
      const { submission } = news;
      const { label, detail } = revisionStatus(submission.revision, viewer, trans);
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
    case 'review-requested':
      return {
        text: trans.__(
          '%1 from %2 is waiting for your review.',
          news.submission.revision.notebook,
          viewer.titleOf(news.submission.party)
        ),
        type: 'info',
        action: {
          label: trans.__('Review'),
          command: CommandIDs.review,
          args: { submission: news.submission.id }
        }
      };
    case 'output-review-requested':
      return {
        text: trans.__('The outputs of %1 are waiting for your review.', news.run.notebook),
        type: 'info',
        action: {
          label: trans.__('Review'),
          command: CommandIDs.review,
          args: { submission: news.run.submission }
        }
      };
  }
}

/** Shows notifications about changes that concern the person. */
export const notificationsPlugin: JupyterFrontEndPlugin<void> = {
  id: '@clean-room/jupyterlab:notifications',
  description: 'Notifies you when a run ends or a decision is made or needed.',
  autoStart: true,
  requires: [ICleanRoom, IRuns],
  optional: [ITranslator],
  activate: (app: JupyterFrontEnd, session: ICleanRoom, runs: IRuns, translator: ITranslator | null) => {
    const trans = (translator ?? nullTranslator).load(TRANSLATION_DOMAIN);
    let last: { readonly party: string; readonly entries: readonly Entry[] } | undefined;
    runs.stateChanged.connect(() => {
      const party = session.acting?.party;
      if (party === undefined || !runs.isReady) return;
      const entries = runs.all;
      // Only the panel shows changes that happened before JupyterLab was opened.
      const before = last?.party === party ? last.entries : undefined;
      last = { party, entries };
      if (before === undefined) return;
      for (const news of newsBetween(before, entries, party, session.may('reviewer'))) {
        const { text, type, action } = messageOf(news, session.viewer, trans);
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

import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { formatAgo, formatTimestamp } from '../shared/format.js';
import { useNow, useSignals } from '../shared/hooks.js';
import type { ReviewProps } from './queue.js';

/** Asks for confirmation, because a rejected revision can no longer be approved. */
async function confirmRejection(notebook: string, trans: TranslationBundle): Promise<boolean> {
  const result = await showDialog({
    title: trans.__('Reject %1?', notebook),
    body: trans.__('This revision cannot be approved any more. The researcher will see your comment.'),
    buttons: [
      Dialog.cancelButton({ label: trans.__('Go back') }),
      Dialog.warnButton({ label: trans.__('Reject') })
    ],
    defaultButton: 0
  });
  return result.button.accept;
}

function Comments({ model, trans, language }: ReviewProps): React.JSX.Element {
  const now = useNow(false);
  const comments = model.opened?.submission.comments ?? [];
  return (
    <ul className="crm-Comments" aria-label={trans.__('Comments')}>
      {comments.map(({ id, by, at, text, revision }) => (
        <li key={id}>
          <strong>
            {model.session.nameOf(by)}, {model.session.titleOf(by.party)}
          </strong>{' '}
          <span className="crm-Quiet" title={formatTimestamp(at, language)}>
            {formatAgo(at, now, language)}, {trans.__('revision %1', revision)}
          </span>
          <p>{text}</p>
        </li>
      ))}
    </ul>
  );
}

/** Shows the comments and the decisions. Approving happens on the custodian's own page, which a link opens. */
export function Discussion(props: ReviewProps): React.JSX.Element | null {
  const { model, trans } = props;
  useSignals(model.stateChanged, model.session.changed);
  const [text, setText] = React.useState('');
  const { opened, mayDecide, isActing, approvalPage } = model;
  if (opened === undefined) return null;
  const isDisabled = text.trim() === '' || isActing;
  const send = async (action: (text: string) => Promise<boolean>): Promise<void> => {
    if (await action(text.trim())) setText('');
  };
  const reject = async (): Promise<void> => {
    if (await confirmRejection(opened.revision.notebook, trans)) await send(reason => model.reject(reason));
  };
  return (
    <section className="crm-Discussion" aria-label={trans.__('Discussion')}>
      <Comments {...props} />
      <textarea
        className="jp-mod-styled"
        rows={2}
        maxLength={4000}
        placeholder={
          mayDecide
            ? trans.__('Comment to the researcher. Needed to ask for changes or to reject.')
            : trans.__('Comment')
        }
        aria-label={mayDecide ? trans.__('Comment to the researcher') : trans.__('Comment')}
        value={text}
        onChange={event => setText(event.currentTarget.value)}
      />
      <div className="crm-Discussion-actions">
        {/* It comes first, because JupyterLab’s notifications cover the lower right corner. */}
        {mayDecide && approvalPage !== undefined && (
          <a
            className="crm-Button crm-mod-main jp-Button"
            href={approvalPage}
            target="_blank"
            rel="noopener noreferrer"
          >
            {trans.__('Approve… (opens your approval page)')}
          </a>
        )}
        <button
          type="button"
          className="jp-Button crm-Button"
          disabled={isDisabled}
          onClick={() => void send(comment => model.comment(comment))}
        >
          {trans.__('Comment')}
        </button>
        {mayDecide && (
          <>
            <button
              type="button"
              className="jp-Button crm-Button"
              disabled={isDisabled}
              onClick={() => void send(reason => model.requestChanges(reason))}
            >
              {trans.__('Ask for changes')}
            </button>
            <button
              type="button"
              className="jp-Button crm-Button"
              disabled={isDisabled}
              onClick={() => void reject()}
            >
              {trans.__('Reject…')}
            </button>
          </>
        )}
      </div>
    </section>
  );
}

import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { useSignals } from '../shared/hooks.js';
import { formatAgo, formatTimestamp } from '../shared/time.js';
import type { ReviewProps } from './queue.js';

async function sureToReject(notebook: string, trans: TranslationBundle): Promise<boolean> {
  const result = await showDialog({
    title: trans.__('Reject %1?', notebook),
    body: trans.__('This revision can’t be approved any more. The researcher sees your reason.'),
    buttons: [
      Dialog.cancelButton({ label: trans.__('Keep it open') }),
      Dialog.warnButton({ label: trans.__('Reject') })
    ],
    defaultButton: 0
  });
  return result.button.accept;
}

function Comments({ model, trans, language }: ReviewProps): JSX.Element {
  const comments = model.opened?.submission.comments ?? [];
  return (
    <ul className="crm-Comments" aria-label={trans.__('Comments')}>
      {comments.map(({ id, by, at, text, revision }) => (
        <li key={id}>
          <strong>
            {model.session.nameOf(by)}, {model.session.titleOf(by.party)}
          </strong>{' '}
          <span className="crm-Quiet" title={formatTimestamp(at, language)}>
            {formatAgo(at, Date.now(), language)}, {trans.__('revision %1', revision)}
          </span>
          <p>{text}</p>
        </li>
      ))}
    </ul>
  );
}

/** Comments; the two ways to say no here; and the one way to say yes, which leads to the custodian. */
export function Discussion(props: ReviewProps): JSX.Element | null {
  const { model, trans } = props;
  useSignals(model.stateChanged, model.session.changed);
  const [text, setText] = React.useState('');
  const { opened, mayDecide, isActing, approvalPage } = model;
  if (opened === undefined) return null;
  const empty = text.trim() === '' || isActing;
  const send = async (task: (text: string) => Promise<boolean>): Promise<void> => {
    if (await task(text.trim())) setText('');
  };
  const reject = async (): Promise<void> => {
    if (await sureToReject(opened.revision.notebook, trans)) await send(words => model.reject(words));
  };
  return (
    <section className="crm-Discussion" aria-label={trans.__('Discussion')}>
      <Comments {...props} />
      <textarea
        className="jp-mod-styled"
        rows={2}
        maxLength={4000}
        placeholder={mayDecide ? trans.__('Your words to the researcher') : trans.__('Your comment')}
        aria-label={trans.__('Your comment or reason')}
        value={text}
        onChange={event => setText(event.currentTarget.value)}
      />
      <div className="crm-Discussion-actions">
        {/* First, at the left: JupyterLab’s notifications cover the lower right corner. */}
        {mayDecide && approvalPage !== undefined && (
          <a
            className="crm-Button crm-mod-main jp-Button"
            href={approvalPage}
            target="_blank"
            rel="noopener noreferrer"
          >
            {trans.__('Approve… opens your custodian')}
          </a>
        )}
        <button
          type="button"
          className="jp-Button crm-Button"
          disabled={empty}
          onClick={() => void send(words => model.comment(words))}
        >
          {trans.__('Comment')}
        </button>
        {mayDecide && (
          <>
            <button
              type="button"
              className="jp-Button crm-Button"
              disabled={empty}
              onClick={() => void send(words => model.requestChanges(words))}
            >
              {trans.__('Ask for changes')}
            </button>
            <button
              type="button"
              className="jp-Button crm-Button"
              disabled={empty}
              onClick={() => void reject()}
            >
              {trans.__('Reject…')}
            </button>
            {empty && <span className="crm-Quiet">{trans.__('Write your reason first.')}</span>}
          </>
        )}
      </div>
    </section>
  );
}

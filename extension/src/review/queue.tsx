import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { ActingFor } from '../panel/header.js';
import { formatAgo, formatTimestamp } from '../shared/format.js';
import { useNow, useSignals } from '../shared/hooks.js';
import { entryStatus, type Entry } from '../shared/status.js';
import { ToneIcon } from '../shared/symbols.js';
import type { ReviewModel } from './model.js';

/** The properties of the parts of the review view. */
export interface ReviewProps {
  readonly model: ReviewModel;
  readonly trans: TranslationBundle;
  readonly language: string;
}

function Group({
  title,
  list,
  ...props
}: ReviewProps & { title: string; list: readonly Entry[] }): React.JSX.Element {
  const { model, trans, language } = props;
  const { session } = model;
  const now = useNow(false);
  return (
    <section>
      <h2>
        {title} <span className="crm-Quiet">{list.length}</span>
      </h2>
      <ul className="crm-Rows">
        {list.map(entry => {
          const { id, party, revision } = entry.submission;
          const status = entryStatus(entry, session.viewer, trans);
          return (
            <li key={id} className="crm-Row">
              <button
                type="button"
                className="crm-Row-head"
                aria-current={id === model.selected}
                onClick={() => void model.select(id)}
              >
                <span className="crm-Queue-name">{revision.notebook}</span>
                <span className="crm-Row-status">
                  <ToneIcon tone={status.tone} />
                  <span className="crm-Row-label">{status.label}</span>
                </span>
                <span className="crm-Row-detail" title={formatTimestamp(revision.submittedAt, language)}>
                  {session.titleOf(party)}, {formatAgo(revision.submittedAt, now, language)}
                </span>
              </button>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

/** Lists the submissions by the parties that they wait for. */
export function ReviewQueue(props: ReviewProps): React.JSX.Element {
  const { model, trans } = props;
  useSignals(model.stateChanged, model.session.changed);
  return (
    <nav className="crm-Queue" aria-label={trans.__('Submissions')}>
      <ActingFor session={model.session} trans={trans} />
      <Group {...props} title={trans.__('Waiting for you')} list={model.waitingForMe} />
      <Group {...props} title={trans.__('Waiting for others')} list={model.waitingForOthers} />
      <Group {...props} title={trans.__('Decided')} list={model.done} />
    </nav>
  );
}

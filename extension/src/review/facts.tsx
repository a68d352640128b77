import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { DigestView } from '../shared/digest-view.js';
import { useSignals } from '../shared/hooks.js';
import { StatusMark } from '../shared/mark.js';
import { ProblemView } from '../shared/problem-view.js';
import { entryStatus, revisionStatus } from '../shared/status.js';
import { formatTimestamp } from '../shared/time.js';
import { ToneIcon } from '../shared/tone-icon.js';
import type { OpenedRevision, ReviewModel } from './model.js';
import type { ReviewProps } from './queue.js';

function Rebuild({ model, trans }: { model: ReviewModel; trans: TranslationBundle }): JSX.Element {
  const { rebuilt } = model;
  const result =
    rebuilt === undefined || rebuilt === 'working'
      ? undefined
      : rebuilt.equal
        ? trans.__('✓ equal')
        : trans.__('✗ not equal: do not approve this.');
  return (
    <>
      <button
        type="button"
        className="jp-Button crm-Button"
        disabled={rebuilt === 'working'}
        onClick={() => void model.rebuild()}
      >
        {rebuilt === 'working' ? trans.__('Rebuilding…') : trans.__('Rebuild and compare')}
      </button>{' '}
      {result !== undefined && (
        <strong
          role="status"
          className={rebuilt !== 'working' && rebuilt?.equal === true ? 'crm-Good' : 'crm-Bad'}
        >
          {result}
        </strong>
      )}
    </>
  );
}

function Facts({ model, opened, trans, language }: ReviewProps & { opened: OpenedRevision }): JSX.Element {
  const { submission, revision } = opened;
  const { session } = model;
  const titleOf = (party: string): string => session.titleOf(party);
  const { entry } = model;
  const status =
    entry === undefined ? revisionStatus(revision, titleOf, trans) : entryStatus(entry, titleOf, trans);
  const simulated = model.assets.some(({ version }) => version.sealedFor === 'simulation');
  const coHosted = model.assets
    .filter(({ custodian }) => custodian.hosting === 'co-hosted')
    .map(({ provider }) => titleOf(provider));
  return (
    <>
      <h1>
        {trans.__('%1 from %2', revision.notebook, titleOf(submission.party))}{' '}
        <span className="crm-Quiet">{trans.__('revision %1', revision.number)}</span>
      </h1>
      <div className="crm-Marks">
        {simulated && <StatusMark kind="simulated" trans={trans} />}
        {coHosted.length > 0 && (
          <StatusMark kind="co-hosted" of={[...new Set(coHosted)].join(', ')} trans={trans} />
        )}
      </div>
      <dl className="crm-Facts">
        <dt>{trans.__('State')}</dt>
        <dd>
          <ToneIcon tone={status.tone} /> {status.label}
          {status.detail !== undefined && <>: {status.detail}</>}
        </dd>
        <dt>{trans.__('Asks for')}</dt>
        <dd>{revision.assets.length === 0 ? trans.__('no dataset') : revision.assets.join(', ')}</dd>
        <dt>{trans.__('Purpose')}</dt>
        <dd>{revision.purpose}</dd>
        <dt>{trans.__('Submitted')}</dt>
        <dd>
          {trans.__(
            'by %1, %2',
            session.nameOf(revision.submittedBy),
            formatTimestamp(revision.submittedAt, language)
          )}
        </dd>
        <dt>{trans.__('Image digest')}</dt>
        <dd>
          <DigestView digest={revision.image} trans={trans} /> <Rebuild model={model} trans={trans} />
        </dd>
      </dl>
    </>
  );
}

/** What is asked, by whom, what for; and the way to the approval. */
export function ReviewHead(props: ReviewProps): JSX.Element {
  const { model, trans } = props;
  useSignals(model.stateChanged, model.session.changed, model.datasets.stateChanged);
  const { opened, problem, selected } = model;
  return (
    <header className="crm-ReviewHead">
      {problem !== undefined && <ProblemView problem={problem} trans={trans} />}
      {opened === undefined && problem === undefined && (
        <p className="crm-Panel-empty">
          {selected === undefined
            ? trans.__('Choose a submission on the left.')
            : trans.__('Fetching the submission…')}
        </p>
      )}
      {opened !== undefined && <Facts {...props} opened={opened} />}
    </header>
  );
}

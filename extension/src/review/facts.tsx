import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { DigestView } from '../shared/digest.js';
import { formatTimestamp } from '../shared/format.js';
import { useSignals } from '../shared/hooks.js';
import { ProblemView } from '../shared/problems.js';
import { entryStatus, revisionStatus } from '../shared/status.js';
import { StatusMark, ToneIcon } from '../shared/symbols.js';
import type { OpenedRevision, ReviewModel } from './model.js';
import type { ReviewProps } from './queue.js';

/** A button that has the image built again, and the result of the comparison. */
function Rebuild({ model, trans }: { model: ReviewModel; trans: TranslationBundle }): React.JSX.Element {
  const { rebuilt } = model;
  const result =
    rebuilt === undefined || rebuilt === 'working'
      ? undefined
      : rebuilt.equal
        ? trans.__('✓ equal')
        : trans.__('✗ not equal. Do not approve this.');
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

function Facts({
  model,
  opened,
  trans,
  language
}: ReviewProps & { opened: OpenedRevision }): React.JSX.Element {
  const { submission, revision } = opened;
  const { session, entry } = model;
  const { viewer } = session;
  const status =
    entry === undefined ? revisionStatus(revision, viewer, trans) : entryStatus(entry, viewer, trans);
  const simulated = model.assets.some(({ version }) => version.sealedFor === 'simulation');
  const providersWith = (
    marked: (custodian: ReviewModel['assets'][number]['custodian']) => boolean
  ): string => {
    const marks = model.assets.filter(({ custodian }) => marked(custodian));
    return [...new Set(marks.map(({ provider }) => session.titleOf(provider)))].join(', ');
  };
  const demo = providersWith(custodian => custodian.demo);
  const coHosted = providersWith(custodian => custodian.hosting === 'co-hosted');
  return (
    <>
      <h1>
        {trans.__('%1 from %2', revision.notebook, session.titleOf(submission.party))}{' '}
        <span className="crm-Quiet">{trans.__('revision %1', revision.number)}</span>
      </h1>
      <div className="crm-Marks">
        {simulated && <StatusMark kind="simulated" trans={trans} />}
        {demo !== '' && <StatusMark kind="demo" of={demo} trans={trans} />}
        {coHosted !== '' && <StatusMark kind="co-hosted" of={coHosted} trans={trans} />}
      </div>
      <dl className="crm-Facts">
        <dt>{trans.__('Status')}</dt>
        <dd>
          <ToneIcon tone={status.tone} /> {status.label}
          {status.detail !== undefined && <>: {status.detail}</>}
        </dd>
        <dt>{trans.__('Data')}</dt>
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

/** Shows who submitted the notebook, the data, the purpose and the status. */
export function ReviewHead(props: ReviewProps): React.JSX.Element {
  const { model, trans } = props;
  useSignals(model.stateChanged, model.session.changed, model.datasets.stateChanged);
  const { opened, problem, selected } = model;
  return (
    <header className="crm-ReviewHead">
      {problem !== undefined && <ProblemView problem={problem} trans={trans} />}
      {opened === undefined && problem === undefined && (
        <p className="crm-Panel-empty">
          {selected === undefined ? trans.__('Select a submission from the list.') : trans.__('Loading…')}
        </p>
      )}
      {opened !== undefined && <Facts {...props} opened={opened} />}
    </header>
  );
}

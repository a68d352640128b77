import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { Asset, RevisionView } from '../api/types.js';
import { RuleList } from '../shared/dataset-text.js';
import { formatMemory } from '../shared/format.js';
import { useSignals } from '../shared/hooks.js';
import type { ReviewProps } from './queue.js';

/** Shows technical terms that most reviewers need not read: the accelerator, the sandbox and the rule for the machine. */
function TechnicalDetails({
  spec,
  assets,
  trans
}: {
  spec: RevisionView['spec'];
  assets: readonly Asset[];
  trans: TranslationBundle;
}): React.JSX.Element {
  return (
    <details>
      <summary>{trans.__('Details')}</summary>
      <dl className="crm-Facts">
        <dt>{trans.__('Accelerator')}</dt>
        <dd>{spec.compute.accelerator === 'gpu' ? trans.__('GPU') : trans.__('none')}</dd>
        {assets.map(({ name, policy: { tee } }) => (
          <React.Fragment key={name}>
            <dt>{trans.__('Sandbox for %1', name)}</dt>
            <dd>{tee.sandboxProfiles.join(', ')}</dd>
            <dt>{trans.__('Machine rule for %1', name)}</dt>
            <dd>
              <code>{tee.rule}</code>
            </dd>
          </React.Fragment>
        ))}
      </dl>
    </details>
  );
}

/** Shows the data that is requested, the rules, the parameters and the machine. */
export function Terms({ model, trans, language }: ReviewProps): React.JSX.Element | null {
  useSignals(model.stateChanged, model.datasets.stateChanged);
  const { opened, assets } = model;
  if (opened === undefined) return null;
  const { spec } = opened.revision;
  const { processors, memoryBytes } = spec.compute;
  return (
    <div className="crm-Terms">
      <h2>{trans.__('Data')}</h2>
      <ul>
        {spec.assets.map(pinned => {
          const offered = assets.find(({ name }) => name === pinned.name);
          const current = offered?.versionDigest === pinned.version && offered.policyDigest === pinned.policy;
          return (
            <li key={pinned.name}>
              {pinned.name} {current && <span className="crm-Quiet">v{offered.version.version}</span>}
              {!current && (
                <span className="crm-Warning">
                  {trans.__('This is not the version or policy that is offered now.')}
                </span>
              )}
              {current && offered.version.description !== '' && (
                <p className="crm-Quiet">{offered.version.description}</p>
              )}
            </li>
          );
        })}
      </ul>
      <h2>{trans.__('Rules')}</h2>
      <RuleList
        assets={assets}
        titleOf={party => model.session.titleOf(party)}
        language={language}
        trans={trans}
      />
      <h2>{trans.__('Parameters')}</h2>
      <pre>{spec.parameters}</pre>
      <h2>{trans.__('Compute')}</h2>
      <p>{trans.__('%1 CPU, %2', processors, formatMemory(memoryBytes))}</p>
      <TechnicalDetails spec={spec} assets={assets} trans={trans} />
    </div>
  );
}

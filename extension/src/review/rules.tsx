import * as React from 'react';
import { useSignals } from '../shared/hooks.js';
import { formatMemory } from '../shared/size.js';
import { rulesOf } from '../shared/rules.js';
import type { ReviewProps } from './queue.js';

/** The data asked for, what it runs on, and the rules that hold. */
export function Terms({ model, trans }: ReviewProps): JSX.Element | null {
  useSignals(model.stateChanged, model.datasets.stateChanged);
  const { opened, assets } = model;
  if (opened === undefined) return null;
  const { spec } = opened.revision;
  const { processors, memoryBytes, accelerator } = spec.compute;
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
                  {trans.__('not the version or policy that is offered now')}
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
      <ul>
        {rulesOf(assets, trans).map(({ text, whose }) => (
          <li key={`${whose} ${text}`}>
            {text} <span className="crm-Quiet">({model.session.titleOf(whose)})</span>
          </li>
        ))}
      </ul>
      <h2>{trans.__('Parameters')}</h2>
      <pre>{spec.parameters}</pre>
      <h2>{trans.__('Compute')}</h2>
      <p>
        {trans.__('%1 CPU, %2', processors, formatMemory(memoryBytes))}
        {accelerator === 'gpu' && <>, GPU</>}
      </p>
    </div>
  );
}

import { ReactWidget } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { Asset } from '../api/types.js';
import { formatDate } from '../shared/format.js';
import { useSignals } from '../shared/hooks.js';
import { ProblemView } from '../shared/problems.js';
import { StatusMark } from '../shared/symbols.js';
import { DatasetDetails } from './details.js';
import type { DatasetsModel } from './model.js';

/** The properties of the datasets section. */
export interface DatasetsProps {
  readonly model: DatasetsModel;
  readonly insert: (name: string) => void;
  readonly trans: TranslationBundle;
  readonly language: string;
}

function Dataset({
  asset,
  model,
  insert,
  trans,
  language
}: DatasetsProps & { asset: Asset }): React.JSX.Element {
  const { version, policy, custodian, name } = asset;
  return (
    <li className="crm-Dataset">
      <div className="crm-Row-title">
        <span className="crm-Dataset-name">{name}</span>
        <span className="crm-Quiet">v{version.version}</span>
      </div>
      <div>
        {version.sealedFor === 'simulation' && <StatusMark kind="simulated" trans={trans} />}{' '}
        {custodian.demo && <StatusMark kind="demo" trans={trans} />}{' '}
        {custodian.hosting === 'co-hosted' && <StatusMark kind="co-hosted" trans={trans} />}
      </div>
      {version.description !== '' && <p>{version.description}</p>}
      <p className="crm-Quiet">
        {trans.__('From %1', model.session.titleOf(asset.provider))} ·{' '}
        {trans.__('available until %1', formatDate(policy.validUntil, language))}
      </p>
      <DatasetDetails
        asset={asset}
        titleOf={party => model.session.titleOf(party)}
        language={language}
        trans={trans}
      />
      <button type="button" className="jp-Button crm-Button" onClick={() => insert(name)}>
        {trans.__('Use in notebook')}
      </button>
    </li>
  );
}

function DatasetsView(props: DatasetsProps): React.JSX.Element {
  const { model, trans } = props;
  useSignals(model.stateChanged, model.session.changed);
  return (
    <>
      {model.problem !== undefined && <ProblemView problem={model.problem} trans={trans} />}
      {model.isReady && model.all.length === 0 && (
        <p className="crm-Panel-empty">{trans.__('No datasets are available to your party yet.')}</p>
      )}
      <ul className="crm-Rows" aria-label={trans.__('Datasets')}>
        {model.all.map(asset => (
          <Dataset key={asset.name} asset={asset} {...props} />
        ))}
      </ul>
    </>
  );
}

/** The datasets section of the left sidebar. */
export class DatasetsPanel extends ReactWidget {
  constructor(private readonly props: DatasetsProps) {
    super();
    this.addClass('crm-DatasetsPanel');
    this.title.label = props.trans.__('Datasets');
  }

  protected override render(): React.JSX.Element {
    return <DatasetsView {...this.props} />;
  }
}

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { RuleList } from '../shared/dataset-text.js';
import { formatBytes, formatDollars, formatMemory } from '../shared/format.js';
import { useSignals } from '../shared/hooks.js';
import { joinNames } from '../shared/status.js';
import { StatusMark } from '../shared/symbols.js';
import type { ComputeChoice, ComputeLimit } from './compute.js';
import type { SubmitModel } from './model.js';
import { Field, SubmissionPreviewView } from './preview.js';

/** The properties of the submit form. */
export interface FormProps {
  readonly model: SubmitModel;
  readonly language: string;
  readonly trans: TranslationBundle;
}

function NextRevision({ model, trans }: FormProps): React.JSX.Element | null {
  const { predecessor } = model.draft;
  if (predecessor === undefined) return null;
  const providers = joinNames(
    predecessor.requestedBy.map(party => model.titleOf(party)),
    trans
  );
  return (
    <Field label={trans.__('Revision')}>
      <label className="crm-Choice">
        <input
          type="checkbox"
          checked={model.isNextRevision}
          onChange={event => model.chooseNextRevision(event.currentTarget.checked)}
        />
        <span>
          {trans.__('Send as revision %1, answering the request of %2', predecessor.revision + 1, providers)}
        </span>
      </label>
      {predecessor.reason !== undefined && <p className="crm-Field-note crm-Quiet">“{predecessor.reason}”</p>}
    </Field>
  );
}

function Datasets({ model, trans }: FormProps): React.JSX.Element {
  return (
    <Field label={trans.__('Data')}>
      {model.assets.map(asset => (
        <label key={asset.name} className="crm-Choice">
          <input
            type="checkbox"
            checked={model.isDatasetChosen(asset.name)}
            onChange={() => model.toggleDataset(asset.name)}
          />
          <span>
            {asset.name} <span className="crm-Quiet">v{asset.version.version}</span>
          </span>
          {model.draft.datasets.includes(asset.name) && (
            <span className="crm-Quiet">{trans.__('found in the notebook')}</span>
          )}
          {asset.version.sealedFor === 'simulation' && <StatusMark kind="simulated" trans={trans} />}
          {asset.custodian.demo && <StatusMark kind="demo" trans={trans} />}
          {asset.custodian.hosting === 'co-hosted' && <StatusMark kind="co-hosted" trans={trans} />}
        </label>
      ))}
      {model.unavailable.map(name => (
        <p key={name} className="crm-Warning" role="alert">
          {trans.__('The notebook opens %1, which is not available to your party.', name)}
        </p>
      ))}
      {model.chosen.length === 0 && (
        <p className="crm-Quiet">{trans.__('No dataset is selected. The notebook runs without data.')}</p>
      )}
    </Field>
  );
}

function Purpose({ model, trans }: FormProps): React.JSX.Element {
  const { purposes, chosen } = model;
  return (
    <Field label={trans.__('Purpose')}>
      <span className="jp-select-wrapper">
        <select
          className="jp-mod-styled"
          aria-label={trans.__('Purpose')}
          value={model.purpose}
          onChange={event => model.choosePurpose(event.currentTarget.value)}
        >
          <option value="">{trans.__('Select a purpose')}</option>
          {purposes.map(purpose => (
            <option key={purpose}>{purpose}</option>
          ))}
        </select>
      </span>
      {chosen.length > 1 && purposes.length === 0 && (
        <p className="crm-Warning" role="alert">
          {trans.__('These datasets have no purpose in common. Select only datasets that share a purpose.')}
        </p>
      )}
    </Field>
  );
}

function Files({ model, trans }: FormProps): React.JSX.Element | null {
  const { files } = model.draft;
  if (files.length === 0) return null;
  return (
    <Field label={trans.__('Files')}>
      <div className="crm-Choices">
        {files.map(file => (
          <label key={file.path} className="crm-Choice">
            <input
              type="checkbox"
              checked={model.isFileChosen(file.path)}
              onChange={() => model.toggleFile(file.path)}
            />
            <span>{file.name}</span>
            <span className="crm-Quiet">
              {file.used
                ? formatBytes(file.bytes)
                : trans.__('%1, no use found in the notebook', formatBytes(file.bytes))}
            </span>
          </label>
        ))}
      </div>
    </Field>
  );
}

function Parameters({ model, trans }: FormProps): React.JSX.Element {
  return (
    <Field label={trans.__('Parameters')}>
      <textarea
        className={`jp-mod-styled crm-Parameters${model.parametersAreValid ? '' : ' jp-mod-error'}`}
        aria-label={trans.__('Parameters, a JSON object')}
        aria-invalid={!model.parametersAreValid}
        rows={2}
        spellCheck={false}
        value={model.parameters}
        onChange={event => model.writeParameters(event.currentTarget.value)}
      />
      <span className="crm-Quiet">
        {model.parametersAreValid
          ? trans.__('A JSON object. The notebook reads it with clean_room.parameters().')
          : trans.__('Enter a JSON object, for example {"min_age": 18}.')}
      </span>
    </Field>
  );
}

function Compute({ model, trans }: FormProps): React.JSX.Element {
  const choices = model.computeChoices;
  const titles = (parties: readonly string[]): string =>
    joinNames(
      parties.map(party => model.titleOf(party)),
      trans
    );
  return (
    <Field label={trans.__('Compute')}>
      {choices.map((choice, index) => (
        <label key={choice.compute.processors} className="crm-Choice crm-mod-inline">
          <input
            type="radio"
            name="crm-compute"
            checked={model.compute === index}
            disabled={choice.limit !== undefined}
            onChange={() => model.chooseCompute(index)}
          />
          <span>
            {trans.__('%1 CPU, %2', choice.compute.processors, formatMemory(choice.compute.memoryBytes))}
          </span>
          {choice.limit !== undefined && (
            <span className="crm-Quiet">{computeLimit(choice.limit, titles, trans)}</span>
          )}
        </label>
      ))}
      <CostNote choice={choices[model.compute]} trans={trans} />
    </Field>
  );
}

/** Says why a machine size cannot be selected. */
function computeLimit(
  limit: ComputeLimit,
  titles: (parties: readonly string[]) => string,
  trans: TranslationBundle
): string {
  switch (limit.kind) {
    case 'policy':
      return trans.__('%1 allows at most %2', titles(limit.providers), formatMemory(limit.memoryBytes));
    case 'program':
      return trans.__('without a dataset at most %1', formatMemory(limit.memoryBytes));
    case 'machine':
      return trans.__('the clean room has no machine of this size');
  }
}

/** Shows what a run costs at most. Shows nothing if the operator has not configured the price. */
function CostNote({
  choice,
  trans
}: {
  choice: ComputeChoice | undefined;
  trans: TranslationBundle;
}): React.JSX.Element | null {
  if (choice?.estimate === undefined) return null;
  const { dollarsPerHour, hours, machine } = choice.estimate;
  return (
    <p className="crm-Field-note crm-Quiet">
      {trans.__(
        'At most %1 per hour × %2 h = %3, on %4',
        formatDollars(dollarsPerHour),
        Number(hours.toFixed(2)),
        formatDollars(dollarsPerHour * hours),
        machine
      )}
    </p>
  );
}

function Rules({ model, language, trans }: FormProps): React.JSX.Element | null {
  if (model.chosen.length === 0) return null;
  return (
    <Field label={trans.__('Rules')}>
      <RuleList
        assets={model.chosen}
        titleOf={party => model.titleOf(party)}
        language={language}
        trans={trans}
      />
    </Field>
  );
}

/** Shows the choices, and below them the rules and the preview. */
export function SubmitForm(props: FormProps): React.JSX.Element {
  const { model, trans } = props;
  useSignals(model.stateChanged);
  return (
    <div className="crm-SubmitForm">
      <p>{trans.__('A copy of the notebook is submitted now. Later edits are not part of it.')}</p>
      <NextRevision {...props} />
      <Datasets {...props} />
      <Purpose {...props} />
      <Files {...props} />
      <Parameters {...props} />
      <Compute {...props} />
      <hr />
      <Rules {...props} />
      <SubmissionPreviewView model={model} trans={trans} />
    </div>
  );
}

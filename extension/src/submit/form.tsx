import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { useSignals } from '../shared/hooks.js';
import { StatusMark } from '../shared/mark.js';
import { formatBytes, formatMemory } from '../shared/size.js';
import { rulesOf } from '../shared/rules.js';
import { COMPUTE } from './compute.js';
import type { SubmitModel } from './model.js';
import { SubmissionOutcome } from './outcome.js';

export interface FormProps {
  readonly model: SubmitModel;
  readonly trans: TranslationBundle;
}

function Field({ label, children }: React.PropsWithChildren<{ label: string }>): JSX.Element {
  return (
    <div className="crm-Field" role="group" aria-label={label}>
      <div className="crm-Field-label">{label}</div>
      <div className="crm-Field-content">{children}</div>
    </div>
  );
}

function NextRevision({ model, trans }: FormProps): JSX.Element | null {
  const { predecessor } = model.draft;
  if (predecessor === undefined) return null;
  return (
    <Field label={trans.__('Revision')}>
      <label className="crm-Choice">
        <input
          type="checkbox"
          checked={model.isNextRevision}
          onChange={event => model.chooseNextRevision(event.currentTarget.checked)}
        />
        <span>
          {trans.__('revision %1 of the submission that changes were asked for', predecessor.revision + 1)}
        </span>
      </label>
      {predecessor.words !== undefined && <p className="crm-Quiet">“{predecessor.words}”</p>}
    </Field>
  );
}

function Datasets({ model, trans }: FormProps): JSX.Element {
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
          {asset.custodian.hosting === 'co-hosted' && <StatusMark kind="co-hosted" trans={trans} />}
        </label>
      ))}
      {model.unknown.map(name => (
        <p key={name} className="crm-Warning" role="alert">
          {trans.__('The notebook opens %1, which is not offered to your party.', name)}
        </p>
      ))}
      {model.chosen.length === 0 && (
        <p className="crm-Quiet">{trans.__('No dataset: the notebook runs, on nothing of anyone’s.')}</p>
      )}
    </Field>
  );
}

function Purpose({ model, trans }: FormProps): JSX.Element {
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
          <option value="">{trans.__('Choose what the data is used for')}</option>
          {purposes.map(purpose => (
            <option key={purpose}>{purpose}</option>
          ))}
        </select>
      </span>
      {chosen.length > 1 && purposes.length === 0 && (
        <p className="crm-Warning" role="alert">
          {trans.__('These datasets have no purpose in common; submit for one of them at a time.')}
        </p>
      )}
    </Field>
  );
}

function Files({ model, trans }: FormProps): JSX.Element | null {
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
                : trans.__('%1, not used by the notebook', formatBytes(file.bytes))}
            </span>
          </label>
        ))}
      </div>
    </Field>
  );
}

function Parameters({ model, trans }: FormProps): JSX.Element {
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
          ? trans.__('A JSON object; the notebook reads it with clean_room.parameters().')
          : trans.__('This is not a JSON object, such as {"min_age": 18}.')}
      </span>
    </Field>
  );
}

function ComputeChoice({ model, trans }: FormProps): JSX.Element {
  return (
    <Field label={trans.__('Compute')}>
      {COMPUTE.map(({ processors, memoryBytes }, index) => (
        <label key={processors} className="crm-Choice crm-mod-inline">
          <input
            type="radio"
            name="crm-compute"
            checked={model.compute === index}
            onChange={() => model.chooseCompute(index)}
          />
          <span>{trans.__('%1 CPU, %2', processors, formatMemory(memoryBytes))}</span>
        </label>
      ))}
    </Field>
  );
}

function Rules({ model, trans }: FormProps): JSX.Element | null {
  const rules = rulesOf(model.chosen, trans);
  if (rules.length === 0) return null;
  return (
    <Field label={trans.__('Rules')}>
      <ul className="crm-Rules">
        {rules.map(({ text, whose }) => (
          <li key={`${whose} ${text}`}>
            {text} <span className="crm-Quiet">({model.titleOf(whose)})</span>
          </li>
        ))}
      </ul>
    </Field>
  );
}

/** The submit dialog's body: what is asked for above, what that comes to below. */
export function SubmitForm(props: FormProps): JSX.Element {
  const { model, trans } = props;
  useSignals(model.stateChanged);
  return (
    <div className="crm-SubmitForm">
      <p>{trans.__('A copy is submitted now; later edits are not part of it.')}</p>
      <NextRevision {...props} />
      <Datasets {...props} />
      <Purpose {...props} />
      <Files {...props} />
      <Parameters {...props} />
      <ComputeChoice {...props} />
      <hr />
      <Rules {...props} />
      <SubmissionOutcome model={model} trans={trans} />
    </div>
  );
}

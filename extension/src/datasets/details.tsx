import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { Asset } from '../api/types.js';
import { RuleList, standInKind } from '../shared/dataset-text.js';
import { columnRole, columnType, columnValues } from './column-text.js';
import { privacySentences, rowsText, standInUse } from './stand-in-text.js';

/** The properties of the parts of a dataset. */
interface PartProps {
  readonly asset: Asset;
  readonly language: string;
  readonly trans: TranslationBundle;
}

/** Shows how many rows the data has, and what the stand-in is and is good for. */
function StandIn({ asset, language, trans }: PartProps): React.JSX.Element {
  const { version } = asset;
  const { privacy, rows } = version.standIn;
  const real = rowsText(version, language, trans);
  return (
    <>
      {real !== undefined && <p className="crm-Quiet">{real}</p>}
      <p className="crm-Quiet">
        {trans.__('Stand-in data: %1, %2 rows', standInKind(asset, trans), rows.toLocaleString(language))}
      </p>
      <p>{standInUse(version, trans)}</p>
      {privacy !== undefined && (
        <details>
          <summary>{trans.__('Privacy and quality of the stand-in')}</summary>
          <ul className="crm-Rules">
            {privacySentences(privacy, language, trans).map(sentence => (
              <li key={sentence}>{sentence}</li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

function Columns({ asset, trans }: PartProps): React.JSX.Element {
  const { columns } = asset.version.table;
  return (
    <details>
      <summary>{trans._n('%1 column', '%1 columns', columns.length)}</summary>
      <table className="crm-Columns">
        <thead>
          <tr>
            <th scope="col">{trans.__('Column')}</th>
            <th scope="col">{trans.__('Type and values')}</th>
          </tr>
        </thead>
        <tbody>
          {columns.map(column => {
            const notes = [
              columnValues(column, trans),
              column.nullable ? trans.__('may be missing') : undefined,
              columnRole(column, trans)
            ].filter(note => note !== undefined);
            return (
              <tr key={column.name}>
                <td>
                  {column.name}
                  {column.description !== undefined && <div className="crm-Quiet">{column.description}</div>}
                </td>
                <td>
                  {columnType(column, trans)}
                  {notes.map(note => (
                    <div key={note} className="crm-Quiet">
                      {note}
                    </div>
                  ))}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </details>
  );
}

function PurposesAndRules({
  asset,
  titleOf,
  language,
  trans
}: PartProps & { titleOf: (party: string) => string }): React.JSX.Element {
  const { version, policy } = asset;
  return (
    <details>
      <summary>{trans.__('Purposes and rules')}</summary>
      <p>{trans.__('You may use the data for:')}</p>
      <ul className="crm-Rules">
        {policy.purposes.map(purpose => (
          <li key={purpose}>{purpose}</li>
        ))}
      </ul>
      <RuleList assets={[asset]} titleOf={titleOf} language={language} trans={trans} />
      <p className="crm-Quiet">
        {trans.__('Version %1 of the data, version %2 of the rules', version.version, policy.version)}
      </p>
    </details>
  );
}

/** Shows what a researcher can know about a dataset: rows, stand-in, columns, purposes and rules. */
export function DatasetDetails(
  props: PartProps & { readonly titleOf: (party: string) => string }
): React.JSX.Element {
  return (
    <>
      <StandIn {...props} />
      <Columns {...props} />
      <PurposesAndRules {...props} />
    </>
  );
}

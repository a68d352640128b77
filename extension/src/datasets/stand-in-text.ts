import type { TranslationBundle } from '@jupyterlab/translation';
import type { AssetVersion, StandInPrivacy } from '@clean-room/protocol/assets';

/** Number of columns that are listed by name. */
const SHOWN = 12;

/** Returns the approximate number of rows of the real data, or `undefined` if its provider does not state it. */
export function rowsText(
  { rows }: AssetVersion,
  language: string,
  trans: TranslationBundle
): string | undefined {
  if (rows === undefined) return undefined;
  const count = rows.about.toLocaleString(language);
  return rows.source === 'noisy'
    ? trans.__('About %1 rows (noisy)', count)
    : trans.__('About %1 rows (declared)', count);
}

/** Returns what a stand-in is good for, in one sentence. */
export function standInUse({ standIn }: AssetVersion, trans: TranslationBundle): string {
  switch (standIn.kind) {
    case 'random':
      return trans.__(
        'Random values that fit the columns, made without the data: good for writing code, not for results.'
      );
    case 'synthetic':
      return trans.__('Synthetic values that resemble the data: good for tables, fair for models.');
    case 'public':
      return trans.__('A file that the provider published.');
  }
}

function percent(share: string, language: string): string {
  return Number(share).toLocaleString(language, { style: 'percent', maximumFractionDigits: 2 });
}

function modelledText({ modelled }: StandInPrivacy, trans: TranslationBundle): string {
  if (modelled.length === 0) return trans.__('Relations between columns are not modelled.');
  const names = [...modelled.slice(0, SHOWN), ...(modelled.length > SHOWN ? ['…'] : [])].join(', ');
  return trans.__('Relations between these columns are modelled, all others are independent: %1', names);
}

/** Returns the privacy of a stand-in, and how far its tables can be trusted, as sentences. */
export function privacySentences(
  privacy: StandInPrivacy,
  language: string,
  trans: TranslationBundle
): readonly string[] {
  const { epsilon, delta, mechanism, target, rowsPerPerson, expectedError } = privacy;
  return [
    trans.__('Differentially private: ε = %1, δ = %2', epsilon, Number(delta)),
    privacy.unit === 'person'
      ? trans._n(
          'Protects people, with at most %1 row each',
          'Protects people, with at most %1 rows each',
          rowsPerPerson ?? 1
        )
      : trans.__('Protects single rows'),
    trans.__('Mechanism: %1', mechanism),
    ...(target === undefined ? [] : [trans.__('Made for models of %1', target)]),
    modelledText(privacy, trans),
    trans.__(
      'Expected error: %1 of the rows in tables of one column, %2 in tables of two',
      percent(expectedError.oneWay, language),
      percent(expectedError.twoWay, language)
    )
  ];
}

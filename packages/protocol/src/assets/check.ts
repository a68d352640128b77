import { CleanRoomError } from '../errors/index.js';
import type { AssetVersion, StandInPrivacy } from './asset.js';
import type { Column, TableSchema } from './column.js';
import { isFormat } from './format.js';
import { isCategory, readBound } from './values.js';

const ORDERED = new Set<Column['type']>(['integer', 'decimal', 'number', 'date', 'time', 'timestamp']);
const WITH_CATEGORIES = new Set<Column['type']>(['text', 'integer', 'boolean']);

/** A rule of a column: what is wrong, and whether it is. */
type Rule = readonly [wrong: boolean, sentence: string];

function typeRules(column: Column): readonly Rule[] {
  const { type, precision, scale, zoned, unit, decimals } = column;
  const isDecimal = type === 'decimal';
  const isTimestamp = type === 'timestamp';
  return [
    [
      isDecimal && (precision === undefined || scale === undefined),
      'A decimal column has a precision and a scale'
    ],
    [
      !isDecimal && (precision !== undefined || scale !== undefined),
      'Only decimal columns have a precision and a scale'
    ],
    [(scale ?? 0) > (precision ?? 38), 'The scale is larger than the precision'],
    [
      isTimestamp && (zoned === undefined || unit === undefined),
      'A timestamp column says whether it is zoned, and its unit'
    ],
    [
      !isTimestamp && (zoned !== undefined || unit !== undefined),
      'Only timestamp columns are zoned and have a unit'
    ],
    [zoned === true && unit === 'nanosecond', 'Zoned timestamps have the unit microsecond'],
    [type !== 'number' && decimals !== undefined, 'Only number columns have decimals']
  ];
}

function boundRules(column: Column): readonly Rule[] {
  const { minimum, maximum, type } = column;
  const [least, most] = [minimum, maximum].map(text =>
    text === undefined ? undefined : readBound(text, column)
  );
  const isOrdered = ORDERED.has(type);
  return [
    [
      !isOrdered && (minimum !== undefined || maximum !== undefined),
      `A ${type} column has no minimum or maximum`
    ],
    [
      isOrdered && minimum !== undefined && least === undefined,
      `The minimum ${minimum} is not a value of the type ${type}`
    ],
    [
      isOrdered && maximum !== undefined && most === undefined,
      `The maximum ${maximum} is not a value of the type ${type}`
    ],
    [
      least !== undefined && most !== undefined && least > most,
      `The minimum ${minimum} is larger than the maximum ${maximum}`
    ]
  ];
}

function valueRules(column: Column): readonly Rule[] {
  const { categories, format, type } = column;
  const strange = categories?.find(category => !isCategory(category, column));
  return [
    [categories !== undefined && !WITH_CATEGORIES.has(type), `A ${type} column has no categories`],
    [strange !== undefined, `The category "${strange}" is not a value of the type ${type}`],
    [new Set(categories).size !== (categories?.length ?? 0), 'A category is listed twice'],
    [format !== undefined && type !== 'text', 'Only text columns have a format'],
    [
      format !== undefined && !isFormat(format),
      `The format "${format}" contains more than characters, \\d, classes and counts`
    ],
    [format !== undefined && categories !== undefined, 'A column has categories or a format, not both']
  ];
}

function requireRules(subject: string, rules: readonly Rule[], column?: string): void {
  const broken = rules.find(([wrong]) => wrong);
  if (broken === undefined) return;
  throw new CleanRoomError('malformed', `${subject}: ${broken[1]}.`, {
    remedy: 'Correct the description of the dataset.',
    ...(column !== undefined && { details: { column } })
  });
}

/**
 * Checks what the JSON Schema of a table cannot express: names are unique, and each column has exactly the fields of its type,
 * with bounds, categories and format that are values of that type.
 *
 * @throws CleanRoomError `malformed` that names the column
 *
 * @example
 * ```ts
 * import { checkTableSchema } from '@clean-room/protocol/assets';
 *
 * checkTableSchema({ columns: [{ name: 'age', type: 'integer', nullable: false, minimum: '0', maximum: '120' }] });
 * ```
 */
export function checkTableSchema({ columns }: TableSchema): void {
  const names = new Set<string>();
  for (const column of columns) {
    const { name } = column;
    const rules = [...typeRules(column), ...boundRules(column), ...valueRules(column)];
    requireRules(`Column "${name}"`, [[names.has(name), 'The name is used twice'], ...rules], name);
    names.add(name);
  }
}

function privacyRules(privacy: StandInPrivacy, table: TableSchema): readonly Rule[] {
  const { epsilon, delta, expectedError, unit, rowsPerPerson, target, modelled } = privacy;
  const names = new Set(table.columns.map(({ name }) => name));
  const unknown = [...modelled, ...(target === undefined ? [] : [target])].find(name => !names.has(name));
  const isShare = (text: string): boolean => Number(text) >= 0 && Number(text) <= 1;
  return [
    [!(Number(epsilon) >= 0), 'ε is negative'],
    [!isShare(delta) || Number(delta) === 1, 'δ is not between 0 and 1'],
    [
      !isShare(expectedError.oneWay) || !isShare(expectedError.twoWay),
      'An expected error is not between 0 and 1'
    ],
    [
      (unit === 'person') !== (rowsPerPerson !== undefined),
      'The rows per person are given exactly if a person is protected'
    ],
    [unknown !== undefined, `The column "${unknown}" is not in the table`]
  ];
}

/**
 * Checks what the JSON Schema of an asset version cannot express: the rules of its table, and that exactly a synthetic stand-in
 * states its privacy.
 *
 * @throws CleanRoomError `malformed`
 */
export function checkAssetVersion({ name, table, standIn }: AssetVersion): void {
  checkTableSchema(table);
  const { kind, privacy } = standIn;
  requireRules(`The stand-in of ${name}`, [
    [
      (kind === 'synthetic') !== (privacy !== undefined),
      'A privacy statement is required for synthetic stand-ins, and only for those'
    ],
    ...(privacy === undefined ? [] : privacyRules(privacy, table))
  ]);
}

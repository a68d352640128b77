import type { Column } from '@clean-room/protocol/assets';
import type { Inspection, Question } from '../../provisioning/index.js';

const PREVIEW_COLUMNS = 8;
const MAX_CELL = 24;
const NAMES: Readonly<Record<string, string>> = {
  ',': 'comma',
  ';': 'semicolon',
  '\t': 'tab',
  '|': 'pipe',
  ' ': 'blank'
};

/** Describes a column in one line. */
function describeColumn(column: Column): string {
  const { name, type, nullable, minimum, maximum, categories, role, format, precision, scale, zoned, unit } =
    column;
  const exact =
    type === 'decimal'
      ? `(${precision ?? 38},${scale ?? 0})`
      : type === 'timestamp'
        ? ` ${zoned === true ? 'in UTC' : 'without zone'}${unit === 'nanosecond' ? ', nanoseconds' : ''}`
        : '';
  const bounds =
    minimum === undefined && maximum === undefined ? '' : `, ${minimum ?? '…'} to ${maximum ?? '…'}`;
  const list = categories === undefined ? '' : `, one of ${categories.join(' | ')}`;
  const form = format === undefined ? '' : `, format ${format}`;
  const marked = role === undefined ? '' : `  [${role.toUpperCase()}]`;
  return `  ${name}: ${type}${exact}${nullable ? ', may be missing' : ''}${bounds}${list}${form}${marked}`;
}

/** Describes an open question with its examples and choices. The examples are data of the provider. */
export function describeQuestion({ id, text, examples, choices, proposal }: Question): string[] {
  return [
    text,
    ...examples.map(({ file, line, value }) => `    ${file}, line ${line}: ${value}`),
    ...choices.map(choice => `  ${choice.id}${choice.id === proposal ? ' (proposed)' : ''}: ${choice.text}`),
    `  Answer it with --answer "${id}=…"`
  ];
}

const cut = (text: string | null): string =>
  text === null ? '·' : text.length > MAX_CELL ? `${text.slice(0, MAX_CELL - 1)}…` : text;

function previewLines({ preview: { columns, rows } }: Inspection): string[] {
  const table = [columns, ...rows].map(row => row.slice(0, PREVIEW_COLUMNS).map(cut));
  const widths = table[0]?.map((_, column) => Math.max(...table.map(row => row[column]?.length ?? 0))) ?? [];
  const more = columns.length - PREVIEW_COLUMNS;
  return [
    ...table.map(row =>
      `  ${row.map((text, column) => text.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd()
    ),
    ...(more > 0 ? [`  and ${more} more columns`] : [])
  ];
}

/** Describes how the files are read: dialect, automatic decisions, the first rows. */
export function describeFiles(inspection: Inspection): string[] {
  const { rows, files, dialect, notes, preview } = inspection;
  const how =
    dialect === undefined
      ? 'Parquet'
      : `${dialect.encoding}, values separated by ${NAMES[dialect.delimiter] ?? ''}, ${dialect.header ? 'with' : 'without'} a header`;
  return [
    `${files.length === 1 ? 'The file has' : `The ${files.length} files have`} ${rows} rows and ${preview.columns.length} columns (${how}).`,
    ...notes.map(note => `  ${note}`),
    ...previewLines(inspection)
  ];
}

/** Describes the proposed schema with the suggestions. */
export function describeSchema({ schema, suggestions }: Inspection): string[] {
  return [
    ...schema.columns.map(describeColumn),
    ...suggestions.map(({ column, text }) => `  ${column}: ${text}`)
  ];
}

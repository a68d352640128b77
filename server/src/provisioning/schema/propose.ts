import type { Column } from '@clean-room/protocol/assets';
import type { ColumnFacts } from '../engine/messages.js';
import { boundsOf } from './bounds.js';
import type { Reading } from './reader.js';
import { suggestRole } from './roles.js';

/** A proposed column with what the provider should know about it. */
export interface ColumnProposal {
  readonly column: Column;
  readonly suggestions: readonly string[];
}

const MAX_CATEGORIES = 50;
const MAX_NUMBER_CATEGORIES = 20;
/** A value that fewer rows share is not listed as a category, because it could reveal something about persons. */
const MIN_ROWS_PER_CATEGORY = 10;
const E_MAIL_FORMAT = '[a-z]{3,8}\\.[a-z]{3,8}@[a-z]{4,10}\\.org';

/** Returns whether any cell of the column will have no value. */
function hasNulls(facts: ColumnFacts, reading: Reading, rows: number): boolean {
  if (facts.filled < rows) return true;
  if (reading.otherwise === 'missing' && facts.misfits > 0) return true;
  if (reading.sentinels && facts.sentinels > 0) return true;
  return facts.missing.some(({ text }) => reading.missing.includes(text));
}

function categoriesOf({ bins, reader }: ColumnFacts, { missing }: Reading): string[] | undefined {
  const values = (bins ?? []).filter(({ text }) => !missing.includes(text));
  const limit = reader.type === 'text' ? MAX_CATEGORIES : MAX_NUMBER_CATEGORIES;
  if (values.length === 0 || values.length > limit) return undefined;
  if (values.some(({ count }) => count < MIN_ROWS_PER_CATEGORY)) return undefined;
  const texts = values.map(({ text }) => text);
  return reader.type === 'text' ? texts.sort() : texts.sort((a, b) => Number(a) - Number(b));
}

/** Returns the part of a column that its type needs. */
function typeOf({
  type,
  precision,
  scale,
  zoned,
  unit
}: Reading['reader']): Pick<Column, 'type'> & Partial<Column> {
  if (type === 'decimal') return { type, precision: precision ?? 38, scale: scale ?? 0 };
  if (type === 'timestamp') return { type, zoned: zoned ?? false, unit: unit ?? 'microsecond' };
  return { type };
}

/**
 * Proposes a column of the schema from facts about every row. Bounds are rounded, and values that few rows have do not
 * appear in it, because the schema becomes public.
 */
export function proposeColumn(facts: ColumnFacts, reading: Reading, rows: number): ColumnProposal {
  const { name, reader, kind } = facts;
  const plain = { name, ...typeOf(reader), nullable: hasNulls(facts, reading, rows) };
  const role = suggestRole(facts);
  const format = kind === 'e-mail' ? E_MAIL_FORMAT : facts.format;
  const formatted = format === undefined ? {} : { format };
  const suggestions = [
    ...(role === undefined
      ? []
      : [
          `suggested as ${role.role === 'sensitive' ? 'sensitive' : role.role === 'identifier' ? 'an identifier' : 'a quasi-identifier'}: ${role.reason}`
        ]),
    ...(format === undefined
      ? []
      : [`all values have the format ${format}${kind === undefined ? '' : ` (${kind})`}`]),
    ...(facts.filled === 0 ? ['contains no values'] : [])
  ];
  if (role?.role === 'identifier')
    return { column: { ...plain, role: 'identifier', ...formatted }, suggestions };
  const categories = categoriesOf(facts, reading);
  const suggested = role === undefined ? {} : { role: role.role };
  if (categories !== undefined) return { column: { ...plain, ...suggested, categories }, suggestions };
  return {
    column: {
      ...plain,
      ...suggested,
      // Numbers at the end of the range of binary numbers that are kept have no useful bounds.
      ...(facts.sentinels > 0 && !reading.sentinels ? {} : boundsOf(reader, facts.minimum, facts.maximum)),
      ...(reader.type === 'number' ? { decimals: facts.decimals } : {}),
      ...formatted
    },
    suggestions
  };
}

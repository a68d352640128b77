import type { Column, TableSchema } from '@clean-room/protocol/assets';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { Table } from '../table/table.js';
import { identifierReason } from './identifiers.js';
import { ColumnProfile } from './profile.js';

/** A schema that was inferred from the data, for the steward to confirm. The confirmed schema is public. */
export interface SchemaProposal {
  readonly schema: TableSchema;
  readonly rows: number;
  /** Remarks on columns that the steward should check. */
  readonly remarks: readonly { readonly column: string; readonly remark: string }[];
}

const MAX_CATEGORIES = 50;
/** A value that fewer rows share is not listed as a category, because it could reveal something about persons. */
const MIN_ROWS_PER_CATEGORY = 10;

/** Formats a number without an exponent. */
function decimalText(value: number): string {
  const text = String(value);
  return /e/.test(text) ? value.toFixed(15).replace(/\.?0+$/, '') : text;
}

/** Rounds bounds outward to a coarse step, so that they do not reveal the exact value of an extreme row. */
function roundedBounds(least: number, greatest: number): readonly [string, string] {
  const range = Math.max(greatest - least, Math.abs(greatest), 1);
  const step = 10 ** Math.floor(Math.log10(range));
  const scaled = (value: number, round: (value: number) => number): string =>
    decimalText(Number((round(value / step) * step).toPrecision(12)));
  return [scaled(least, Math.floor), scaled(greatest, Math.ceil)];
}

/** Returns whole years around the extremes, on the scale of the column. */
function yearBounds(type: 'date' | 'timestamp', least: number, greatest: number): readonly [string, string] {
  const unit = type === 'date' ? 86_400_000 : 1000;
  const first = Date.UTC(new Date(least * unit).getUTCFullYear(), 0, 1);
  const last = Date.UTC(new Date(greatest * unit).getUTCFullYear() + 1, 0, 1) - unit;
  return [String(first / unit), String(last / unit)];
}

function boundsOf(profile: ColumnProfile): Pick<Column, 'minimum' | 'maximum'> {
  const { type, least, greatest } = profile;
  if (least > greatest) return {};
  const [minimum, maximum] =
    type === 'date' || type === 'timestamp'
      ? yearBounds(type, least, greatest)
      : roundedBounds(least, greatest);
  return { minimum, maximum };
}

function categoriesOf(profile: ColumnProfile): string[] | undefined {
  const { counts } = profile;
  if (profile.type !== 'text' || counts === undefined || counts.size === 0 || counts.size > MAX_CATEGORIES)
    return undefined;
  if ([...counts.values()].some(count => count < MIN_ROWS_PER_CATEGORY)) return undefined;
  if ([...counts.keys()].some(value => value.length > 200)) return undefined;
  return [...counts.keys()].sort();
}

function propose(profile: ColumnProfile): { column: Column; remark: string | undefined } {
  const { name, type } = profile;
  const reason = identifierReason(profile);
  const plain = { name, type, nullable: profile.nulls > 0 };
  if (reason !== undefined) {
    return { column: { ...plain, role: 'identifier' }, remark: `marked as an identifier: ${reason}` };
  }
  const categories = categoriesOf(profile);
  return {
    column: {
      ...plain,
      ...boundsOf(profile),
      ...(type === 'number' ? { decimals: profile.decimals } : {}),
      ...(categories === undefined ? {} : { categories })
    },
    remark: profile.rows === profile.nulls ? 'contains no values' : undefined
  };
}

/**
 * Infers a schema from the data.
 * @throws CleanRoomError `malformed` for a table without rows
 */
export async function inferSchema(table: Table): Promise<SchemaProposal> {
  const profiles = table.columns.map(name => new ColumnProfile(name));
  let rows = 0;
  for await (const batch of table.batches()) {
    rows += batch.rows;
    profiles.forEach((profile, index) => batch.columns[index]?.forEach(cell => profile.add(cell)));
  }
  if (rows === 0)
    throw new CleanRoomError('malformed', 'The file has no rows.', { remedy: 'Provision a file with data.' });
  const proposals = profiles.map(propose);
  return {
    schema: { columns: proposals.map(({ column }) => column) },
    rows,
    remarks: proposals.flatMap(({ column, remark }) =>
      remark === undefined ? [] : [{ column: column.name, remark }]
    )
  };
}

import type { TranslationBundle } from '@jupyterlab/translation';
import type { Column } from '@clean-room/protocol/assets';

/** Number of categories that are listed. */
const SHOWN = 6;

/** Returns the type of a column in words: `decimal (10, 2)`, `timestamp (UTC)`. */
export function columnType(column: Column, trans: TranslationBundle): string {
  switch (column.type) {
    case 'integer':
      return trans.__('whole number');
    case 'decimal':
      return trans.__('decimal (%1, %2)', column.precision ?? '?', column.scale ?? '?');
    case 'number':
      return trans.__('number');
    case 'boolean':
      return trans.__('true or false');
    case 'text':
      return trans.__('text');
    case 'date':
      return trans.__('date');
    case 'time':
      return trans.__('time');
    case 'timestamp':
      if (column.zoned === true) return trans.__('timestamp (UTC)');
      return column.unit === 'nanosecond'
        ? trans.__('timestamp (no zone, nanoseconds)')
        : trans.__('timestamp (no zone)');
    case 'uuid':
      return trans.__('UUID');
  }
}

/** Returns what a column's values could reveal about a person, or `undefined` if its provider names nothing. */
export function columnRole({ role }: Column, trans: TranslationBundle): string | undefined {
  switch (role) {
    case 'identifier':
      return trans.__('identifies people');
    case 'quasi-identifier':
      return trans.__('identifies people together with other columns');
    case 'sensitive':
      return trans.__('sensitive');
    case undefined:
      return undefined;
  }
}

/** Returns the values that a column can have, as its provider declares them, or `undefined`. */
export function columnValues(column: Column, trans: TranslationBundle): string | undefined {
  const { categories, format, minimum, maximum } = column;
  if (categories !== undefined) {
    const shown = categories.slice(0, SHOWN).join(', ');
    const more = categories.length - SHOWN;
    return more > 0 ? trans._n('%2, and %1 more', '%2, and %1 more', more, shown) : shown;
  }
  if (format !== undefined) return trans.__('in the format %1', format);
  if (minimum !== undefined && maximum !== undefined) return trans.__('%1 to %2', minimum, maximum);
  if (minimum !== undefined) return trans.__('from %1', minimum);
  return maximum === undefined ? undefined : trans.__('up to %1', maximum);
}

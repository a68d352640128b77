import { Type } from 'typebox';
import { fromUtf8 } from '@clean-room/protocol/bytes';
import { checkSchema } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';

export interface SourceCell {
  readonly type: 'code' | 'markdown' | 'raw';
  readonly source: string;
}

const Notebook = Type.Object({
  nbformat: Type.Literal(4),
  cells: Type.Array(
    Type.Object({
      cell_type: Type.Union([Type.Literal('code'), Type.Literal('markdown'), Type.Literal('raw')]),
      source: Type.Union([Type.String(), Type.Array(Type.String())])
    }),
    { maxItems: 100_000 }
  )
});

/**
 * The cells of the approved notebook, in order. Nothing but their sources is taken from it.
 * @throws CleanRoomError `malformed`
 */
export function readSources(bytes: Uint8Array): SourceCell[] {
  let value: unknown;
  try {
    value = JSON.parse(fromUtf8(bytes));
  } catch (cause) {
    throw new CleanRoomError('malformed', 'The notebook is not JSON.', { cause });
  }
  const notebook = checkSchema(Notebook, value, 'notebook');
  return notebook.cells.map(({ cell_type, source }) => ({
    type: cell_type,
    source: (typeof source === 'string' ? source : source.join('')).toWellFormed()
  }));
}

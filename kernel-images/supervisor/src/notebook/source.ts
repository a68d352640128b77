import { readNotebook } from '@clean-room/protocol/notebooks';

/** A cell of the approved notebook, without outputs and metadata. */
export interface SourceCell {
  readonly type: 'code' | 'markdown' | 'raw';
  readonly source: string;
}

/**
 * Returns the type and source of each cell of the approved notebook, in order. Nothing else of it is used.
 *
 * @throws CleanRoomError `malformed` when the bytes are not a notebook of format 4
 */
export function readSources(bytes: Uint8Array): SourceCell[] {
  // Half a surrogate pair cannot be sent to Python as UTF-8.
  return readNotebook(bytes).cells.map(({ type, source }) => ({ type, source: source.toWellFormed() }));
}

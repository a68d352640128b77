import { fromBase64Url, toBase64Url } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';

/** Splits one line of CSV as the RECORD of a wheel uses it: quotes only where a name holds a comma or a quote. */
function fields(line: string): string[] {
  const parts = line.match(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g) ?? [];
  return parts.map(part => {
    const field = part.replace(/,$/, '');
    return field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field;
  });
}

/**
 * The hashes that a wheel states for its files: path → SHA-256 as unpadded base64url.
 * @throws CleanRoomError `malformed` for a stronger or weaker hash than SHA-256, which pip would not write either
 */
export function parseRecord(text: string): ReadonlyMap<string, string> {
  const hashes = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    if (line === '') continue;
    const [path = '', hash = ''] = fields(line);
    if (hash === '') continue;
    const value = /^sha256=([A-Za-z0-9_-]{43})=?$/.exec(hash)?.[1];
    if (value === undefined)
      throw new CleanRoomError('malformed', `The wheel states no SHA-256 for ${path}.`);
    hashes.set(path, toBase64Url(fromBase64Url(value)));
  }
  return hashes;
}

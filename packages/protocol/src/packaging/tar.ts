import { concat } from '../bytes/encoding.js';
import { CleanRoomError } from '../errors/index.js';
import { sortedByName } from '../submissions/check.js';
import { gathered, type Content } from './content.js';
import { ROOT, TAR_BLOCK, headerBlocks, padding, type TarHeader, type TarOwner } from './tar-header.js';

interface Common {
  /** Relative, `/` between its parts, no trailing slash. */
  readonly path: string;
  /** Permission bits. */
  readonly mode: number;
  /** Root when absent. */
  readonly owner?: TarOwner;
}

export type TarEntry =
  | (Common & { readonly type: 'directory' })
  | (Common & {
      readonly type: 'file';
      /** In bytes; known in advance, so that the layer's size is too. */
      readonly size: number;
      /** Read when the entry is written, anew for each writing. */
      content(): Content;
    })
  | (Common & { readonly type: 'symlink'; readonly target: string })
  | (Common & { readonly type: 'character-device'; readonly major: number; readonly minor: number });

function headerOf(entry: TarEntry): TarHeader {
  const { path, mode, owner = ROOT } = entry;
  switch (entry.type) {
    case 'directory':
      return { name: `${path}/`, type: 'directory', mode, owner };
    case 'file':
      return { name: path, type: 'file', mode, owner, size: entry.size };
    case 'symlink':
      return { name: path, type: 'symlink', mode: 0o777, owner, target: entry.target };
    case 'character-device':
      return { name: path, type: 'character-device', mode, owner, major: entry.major, minor: entry.minor };
  }
}

/** Entries in their one order, once no two unpackers can understand them differently. */
function inOrder(entries: Iterable<TarEntry>): TarEntry[] {
  const sorted = sortedByName([...entries], entry => entry.path);
  const types = new Map<string, TarEntry['type']>();
  for (const entry of sorted) {
    const { path, type } = entry;
    const target = type === 'symlink' ? entry.target : undefined;
    const parts = path.split('/');
    if (!path.isWellFormed() || path.includes('\0') || parts.some(part => ['', '.', '..'].includes(part))) {
      throw new CleanRoomError('malformed', `"${path.slice(0, 200)}" is no path inside a layer.`);
    }
    if (target !== undefined && (target === '' || !target.isWellFormed() || target.includes('\0'))) {
      throw new CleanRoomError('malformed', `"${path.slice(0, 200)}" links to no path.`);
    }
    if (types.has(path)) throw new CleanRoomError('conflict', `"${path}" stands twice in a layer.`);
    types.set(path, type);
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const above = types.get(path.slice(0, end));
      if (above === 'directory') break;
      if (above !== undefined) throw new CleanRoomError('conflict', `"${path}" lies below a file or link.`);
    }
  }
  return sorted;
}

async function* exactly(size: number, path: string, content: Content): AsyncGenerator<Uint8Array> {
  let written = 0;
  for await (const chunk of content) {
    written += chunk.length;
    if (written > size) break;
    yield chunk;
  }
  if (written !== size) {
    throw new CleanRoomError('digest-mismatch', `"${path}" changed its size while it was packaged.`, {
      remedy: 'Submit again.'
    });
  }
}

interface Laid {
  readonly entry: TarEntry;
  /** With the pax record before it, if there is one. */
  readonly header: Uint8Array;
}

async function* parts(laid: readonly Laid[]): AsyncGenerator<Uint8Array> {
  for (const { entry, header } of laid) {
    yield header;
    if (entry.type !== 'file') continue;
    yield* exactly(entry.size, entry.path, entry.content());
    yield padding(entry.size);
  }
  yield new Uint8Array(2 * TAR_BLOCK);
}

/** A tar that is laid out and can be written. */
export interface Tar {
  /** In bytes; known without reading any content. */
  readonly size: number;
  /** Writes it, anew at each call. @throws CleanRoomError `digest-mismatch` when content is not as long as it said */
  chunks(): AsyncGenerator<Uint8Array>;
}

/**
 * Lays out an uncompressed tar (ustar, with pax records for what does not fit), the paths in bytewise order whatever the
 * order they are given in. The bytes depend on nothing but the entries: not on clock, user, umask, locale or platform,
 * and on no compressor. Folders above an entry are not made up: give them as entries.
 * @throws CleanRoomError `malformed` for a path or number that a tar can't hold, `conflict` for a path that stands twice
 * or lies below a file
 */
export function layOutTar(entries: Iterable<TarEntry>): Tar {
  const laid = inOrder(entries).map(entry => ({ entry, header: concat(...headerBlocks(headerOf(entry))) }));
  let size = 2 * TAR_BLOCK;
  for (const { entry, header } of laid) {
    size += header.length;
    if (entry.type === 'file') size += entry.size + padding(entry.size).length;
  }
  return { size, chunks: () => gathered(parts(laid)) };
}

/** Writes a tar; as {@link layOutTar}. */
export function writeTar(entries: Iterable<TarEntry>): AsyncGenerator<Uint8Array> {
  return layOutTar(entries).chunks();
}

/** The size of the tar that {@link writeTar} will write, in bytes, without reading any content. */
export function tarSize(entries: Iterable<TarEntry>): number {
  return layOutTar(entries).size;
}

/** The whole tar in memory: for small layers and tests. */
export async function layerBytes(entries: Iterable<TarEntry>): Promise<Uint8Array> {
  const tar = layOutTar(entries);
  const whole = new Uint8Array(tar.size);
  let offset = 0;
  for await (const chunk of tar.chunks()) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}

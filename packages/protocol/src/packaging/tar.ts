import { concat } from '../bytes/encoding.js';
import { CleanRoomError } from '../errors/index.js';
import { sortedByName } from '../submissions/check.js';
import type { Content } from './file.js';
import { ROOT, TAR_BLOCK, headerBlocks, padding, type TarHeader, type TarOwner } from './tar-header.js';

interface EntryBase {
  /** The path in the layer: relative, with `/` between its parts, without a trailing slash. */
  readonly path: string;
  /** The permission bits. */
  readonly mode: number;
  /** The default is root. */
  readonly owner?: TarOwner;
}

/** A directory, file, symbolic link or character device of a tar. */
export type TarEntry =
  | (EntryBase & { readonly type: 'directory' })
  | (EntryBase & {
      readonly type: 'file';
      /** The size in bytes. It is given in advance, so that the size of the tar is known before the content is read. */
      readonly size: number;
      /** Returns the content. It is called each time the tar is written. */
      content(): Content;
    })
  | (EntryBase & { readonly type: 'symlink'; readonly target: string })
  | (EntryBase & { readonly type: 'character-device'; readonly major: number; readonly minor: number });

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

/**
 * Returns the entries sorted by path, after checking that all programs that unpack the tar will do the same with them.
 *
 * @throws CleanRoomError `malformed` or `conflict`
 */
function sortedEntries(entries: Iterable<TarEntry>): TarEntry[] {
  const sorted = sortedByName([...entries], entry => entry.path);
  const types = new Map<string, TarEntry['type']>();
  for (const entry of sorted) {
    const { path, type } = entry;
    const target = type === 'symlink' ? entry.target : undefined;
    const parts = path.split('/');
    if (!path.isWellFormed() || path.includes('\0') || parts.some(part => ['', '.', '..'].includes(part))) {
      throw new CleanRoomError('malformed', `"${path.slice(0, 200)}" cannot be a path in a layer.`);
    }
    if (target !== undefined && (target === '' || !target.isWellFormed() || target.includes('\0'))) {
      throw new CleanRoomError('malformed', `"${path.slice(0, 200)}" is a link without a valid target.`);
    }
    if (types.has(path)) throw new CleanRoomError('conflict', `"${path}" is in the layer twice.`);
    types.set(path, type);
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const parent = types.get(path.slice(0, end));
      if (parent === 'directory') break;
      if (parent !== undefined) throw new CleanRoomError('conflict', `"${path}" is below a file or a link.`);
    }
  }
  return sorted;
}

/**
 * Yields the chunks of a file's content.
 *
 * @throws CleanRoomError `digest-mismatch` when there are not exactly `size` bytes
 */
async function* exactly(size: number, path: string, content: Content): AsyncGenerator<Uint8Array> {
  let written = 0;
  for await (const chunk of content) {
    written += chunk.length;
    if (written > size) break;
    yield chunk;
  }
  if (written !== size) {
    throw new CleanRoomError('digest-mismatch', `"${path}" changed while it was packaged.`, {
      remedy: 'Submit again.'
    });
  }
}

interface LaidOutEntry {
  readonly entry: TarEntry;
  /** The header block, after the pax record if one is needed. */
  readonly header: Uint8Array;
}

async function* tarChunks(laidOut: readonly LaidOutEntry[]): AsyncGenerator<Uint8Array> {
  for (const { entry, header } of laidOut) {
    yield header;
    if (entry.type !== 'file') continue;
    yield* exactly(entry.size, entry.path, entry.content());
    yield padding(entry.size);
  }
  yield new Uint8Array(2 * TAR_BLOCK);
}

/** A tar whose headers and size are computed, and that can be written. */
export interface Tar {
  /** The size in bytes. */
  readonly size: number;
  /**
   * Returns the bytes of the tar. Each call reads the content of the files again.
   *
   * @throws CleanRoomError `digest-mismatch`, while it is read, when a file does not have the size of its entry
   */
  chunks(): AsyncGenerator<Uint8Array>;
}

const SMALL_CHUNK_BYTES = 16 * 1024;

/** Yields the same bytes in fewer chunks: it joins small chunks, such as headers, and passes large ones on without copying. */
async function* gather(content: Content): AsyncGenerator<Uint8Array> {
  let small: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of content) {
    if (chunk.length < SMALL_CHUNK_BYTES) {
      small.push(chunk);
      bytes += chunk.length;
      if (bytes < SMALL_CHUNK_BYTES) continue;
    }
    if (bytes > 0) yield concat(...small);
    small = [];
    bytes = 0;
    if (chunk.length >= SMALL_CHUNK_BYTES) yield chunk;
  }
  if (bytes > 0) yield concat(...small);
}

/**
 * Lays out an uncompressed tar (ustar, with pax records for what does not fit into ustar headers), with its entries sorted by
 * path, bytewise. The bytes depend only on the entries: not on their order, the clock, the user, the umask, the locale, the
 * platform or a compressor. Parent directories are not added; they must be among the entries.
 *
 * @throws CleanRoomError `malformed` for a path or a number that a tar cannot hold
 * @throws CleanRoomError `conflict` for a path that occurs twice, or is below a file or a link
 *
 * @example
 * ```ts
 * import { utf8 } from '@clean-room/protocol/bytes';
 * import { layerBytes } from '@clean-room/protocol/packaging';
 *
 * const content = utf8('hello');
 * const tar = await layerBytes([
 *   { type: 'directory', path: 'docs', mode: 0o755 },
 *   { type: 'file', path: 'docs/hello.txt', mode: 0o644, size: content.length, content: () => [content] }
 * ]);
 * console.log(tar.length); // 2560
 * ```
 */
export function layOutTar(entries: Iterable<TarEntry>): Tar {
  const laidOut = sortedEntries(entries).map(entry => ({
    entry,
    header: concat(...headerBlocks(headerOf(entry)))
  }));
  let size = 2 * TAR_BLOCK;
  for (const { entry, header } of laidOut) {
    size += header.length;
    if (entry.type === 'file') size += entry.size + padding(entry.size).length;
  }
  return { size, chunks: () => gather(tarChunks(laidOut)) };
}

/** Returns the bytes of a tar with these entries; see {@link layOutTar}. */
export function writeTar(entries: Iterable<TarEntry>): AsyncGenerator<Uint8Array> {
  return layOutTar(entries).chunks();
}

/** Returns the size in bytes of the tar that {@link writeTar} gives, without reading the content of any file. */
export function tarSize(entries: Iterable<TarEntry>): number {
  return layOutTar(entries).size;
}

/** Returns a whole tar in memory, for small layers and tests. */
export async function layerBytes(entries: Iterable<TarEntry>): Promise<Uint8Array> {
  const tar = layOutTar(entries);
  const bytes = new Uint8Array(tar.size);
  let offset = 0;
  for await (const chunk of tar.chunks()) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

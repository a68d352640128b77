import { digestFromHash, digestOf, pureSha256, type Digest, type HasherFactory } from '../bytes/digest.js';
import { CleanRoomError } from '../errors/index.js';

/** Bytes in chunks, from memory or from a slower source. */
export type Content = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** One file of a workspace. */
export interface RevisionFile {
  /** The path relative to the workspace, with `/` between its parts. */
  readonly path: string;
  readonly digest: Digest;
  readonly bytes: number;
  /** Returns the content. Each call reads it again from the start. */
  content(): Content;
}

/** The files made by {@link heldFile}. Their digests need not be checked, because they were computed from the content itself. */
const held = new WeakSet<RevisionFile>();

/**
 * Returns a file whose content is in memory. Its digest is computed here, and not again when the file is packaged, so the caller
 * must not change the bytes afterwards.
 *
 * @param hasher - a faster SHA-256, where the platform has one
 */
export function heldFile(
  path: string,
  content: Uint8Array,
  hasher: HasherFactory = pureSha256
): RevisionFile {
  const digest = digestOf(content, hasher);
  const file = Object.freeze({ path, digest, bytes: content.length, content: () => [content] });
  held.add(file);
  return file;
}

/**
 * Returns the content of a file. After the last chunk, it throws if the chunks do not match the file's digest.
 *
 * @throws CleanRoomError `digest-mismatch` while the content is read
 */
export function checkedContent(file: RevisionFile, hasher: HasherFactory): Content {
  return held.has(file) ? file.content() : checkDigest(file, hasher);
}

async function* checkDigest(file: RevisionFile, hasher: HasherFactory): AsyncGenerator<Uint8Array> {
  const hash = hasher();
  for await (const chunk of file.content()) {
    hash.update(chunk);
    yield chunk;
  }
  if (digestFromHash(hash.digest()) !== file.digest) {
    throw new CleanRoomError('digest-mismatch', `"${file.path}" changed while it was packaged.`, {
      remedy: 'Submit again.'
    });
  }
}

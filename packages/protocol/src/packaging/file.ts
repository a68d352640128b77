import { digestFromHash, digestOf, pureSha256, type Digest, type HasherFactory } from '../bytes/digest.js';
import { CleanRoomError } from '../errors/index.js';
import type { Content } from './content.js';

/** One file of a workspace. */
export interface RevisionFile {
  /** Relative to the workspace, `/` between its parts. */
  readonly path: string;
  readonly digest: Digest;
  readonly bytes: number;
  /** Read anew at each call. */
  content(): Content;
}

const held = new WeakSet<RevisionFile>();

/**
 * A file whose content is in memory. Its digest is taken here, from these very bytes, so it is not taken again when the
 * file is packaged; whoever gives the bytes must not write to them any more.
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

/** A file's content, which breaks off when it is not what the file's digest says. */
export function checkedContent(file: RevisionFile, hasher: HasherFactory): Content {
  return held.has(file) ? file.content() : checked(file, hasher);
}

async function* checked(file: RevisionFile, hasher: HasherFactory): AsyncGenerator<Uint8Array> {
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

import type { HasherFactory } from '../bytes/digest.js';
import { pureSha256 } from '../bytes/digest.js';
import type { ReadDocument } from '../documents/document.js';
import { CleanRoomError } from '../errors/index.js';
import { readSpec } from '../submissions/check.js';
import { SPEC_PATH, WORKSPACE_PATH, type Spec } from '../submissions/spec.js';
import { checkedContent, type RevisionFile } from './file.js';
import { layOutTar, type TarEntry } from './tar.js';
import { checkWorkspace } from './workspace.js';

/** The one layer that a revision adds to its kernel image. */
export interface RevisionLayer {
  /** In bytes. */
  readonly size: number;
  /**
   * Writes the layer, anew at each call, and compares each file with its digest on the way.
   * @throws CleanRoomError `digest-mismatch` when a file is no longer what the spec names
   */
  chunks(): AsyncIterable<Uint8Array>;
}

function foldersAbove(paths: readonly string[]): TarEntry[] {
  const all = new Set<string>();
  for (const path of paths) {
    for (let end = path.indexOf('/'); end !== -1; end = path.indexOf('/', end + 1))
      all.add(path.slice(0, end));
  }
  return [...all].map(path => ({ type: 'directory', path, mode: 0o755 }));
}

/** The files in the spec's order, once they are exactly those that it names. */
function namedFiles({ workspace }: Spec, files: readonly RevisionFile[]): RevisionFile[] {
  const given = new Map(files.map(file => [file.path, file]));
  if (files.length !== workspace.length || given.size !== files.length)
    throw new CleanRoomError('digest-mismatch', 'The files are not exactly the ones that the spec names.');
  return workspace.map(named => {
    const file = given.get(named.path);
    if (file?.digest !== named.digest || file.bytes !== named.bytes) {
      throw new CleanRoomError('digest-mismatch', `"${named.path}" is not the file that the spec names.`);
    }
    return file;
  });
}

/**
 * Lays out the layer of a revision: the spec and the files it names, in one deterministic uncompressed tar, owned by root
 * and dated to the epoch.
 * @param spec canonical bytes, or what `readSpec` made of them
 * @param files exactly those that the spec names, in any order
 * @throws CleanRoomError `workspace-refused`, `digest-mismatch`, `malformed`
 */
export function revisionLayer(
  spec: Uint8Array | ReadDocument<Spec>,
  files: readonly RevisionFile[],
  hasher: HasherFactory = pureSha256
): RevisionLayer {
  checkWorkspace(files);
  const { value, bytes } = 'value' in spec ? spec : readSpec(spec);
  const contents: TarEntry[] = [
    { type: 'file', path: SPEC_PATH, mode: 0o644, size: bytes.length, content: () => [bytes] },
    ...namedFiles(value, files).map((file): TarEntry => ({
      type: 'file',
      path: `${WORKSPACE_PATH}/${file.path}`,
      mode: 0o644,
      size: file.bytes,
      content: () => checkedContent(file, hasher)
    }))
  ];
  return layOutTar([...foldersAbove(contents.map(entry => entry.path)), ...contents]);
}

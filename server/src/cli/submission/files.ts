import path from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { isMissing } from '@clean-room/node-support';
import { readWorkspace } from '@clean-room/oci/workspace';
import { digestOf } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { stripNotebook } from '@clean-room/protocol/notebooks';
import type { RevisionFile } from '@clean-room/protocol/packaging';

/** The files that go into an image: the notebook without its outputs, and the files that the user added. */
export interface SubmissionFiles {
  /** The path of the notebook among the files. */
  readonly notebook: string;
  readonly files: readonly RevisionFile[];
  /** The notebook's bytes as they are submitted. */
  readonly stripped: Uint8Array;
}

/** Reads all of a file into memory. */
export async function readContent(file: RevisionFile): Promise<Uint8Array> {
  return new Uint8Array(await buffer(Readable.from(file.content())));
}

/**
 * Reads the files of a submission.
 *
 * @param folder - the workspace; paths in the image are relative to it
 * @param notebook - the path of the notebook, relative to the folder
 * @param include - the paths of other files, relative to the folder
 * @throws CleanRoomError `workspace-refused`, `not-found`
 */
export async function readSubmissionFiles(
  folder: string,
  notebook: string,
  include: readonly string[]
): Promise<SubmissionFiles> {
  const names = [...new Set([notebook, ...include].map(name => path.posix.normalize(name)))];
  let files: readonly RevisionFile[];
  try {
    files = await readWorkspace(folder, names);
  } catch (error) {
    if (!isMissing(error)) throw error;
    const { path: missing = folder } = error as NodeJS.ErrnoException;
    throw new CleanRoomError('not-found', `${missing} does not exist.`, { cause: error });
  }
  const own = files.find(file => file.path === path.posix.normalize(notebook));
  if (own === undefined) throw new CleanRoomError('not-found', `${notebook} does not exist.`);
  const stripped = stripNotebook(await readContent(own), own.path);
  const replacement: RevisionFile = {
    path: own.path,
    digest: digestOf(stripped),
    bytes: stripped.length,
    content: () => [stripped]
  };
  return { notebook: own.path, stripped, files: files.map(file => (file === own ? replacement : file)) };
}

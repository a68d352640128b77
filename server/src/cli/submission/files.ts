import path from 'node:path';
import { readWorkspace } from '@clean-room/oci/workspace';
import { concat, digestOf } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { stripNotebook } from '@clean-room/protocol/notebooks';
import type { RevisionFile } from '@clean-room/protocol/packaging';

/** What goes into an image from a folder: the notebook without outputs, and the files that were named. */
export interface SubmissionFiles {
  /** Path of the notebook among the files. */
  readonly notebook: string;
  readonly files: readonly RevisionFile[];
  /** The notebook's bytes as they are submitted. */
  readonly bare: Uint8Array;
}

async function contentOf(file: RevisionFile): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of file.content()) chunks.push(chunk);
  return concat(...chunks);
}

/**
 * @param folder the workspace; paths in the image are relative to it
 * @param include paths beside the notebook, relative to the folder
 * @throws CleanRoomError `workspace-refused`, `not-found`
 */
export async function readSubmissionFiles(
  folder: string,
  notebook: string,
  include: readonly string[]
): Promise<SubmissionFiles> {
  const wanted = [...new Set([notebook, ...include].map(name => path.posix.normalize(name)))];
  let files: readonly RevisionFile[];
  try {
    files = await readWorkspace(folder, wanted);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new CleanRoomError(
      'not-found',
      `${(error as NodeJS.ErrnoException).path ?? folder} is not there.`,
      {
        cause: error
      }
    );
  }
  const own = files.find(file => file.path === path.posix.normalize(notebook));
  if (own === undefined) throw new CleanRoomError('not-found', `${notebook} is not there.`);
  const bare = stripNotebook(await contentOf(own), own.path);
  const stripped: RevisionFile = {
    path: own.path,
    digest: digestOf(bare),
    bytes: bare.length,
    content: () => [bare]
  };
  return { notebook: own.path, bare, files: files.map(file => (file === own ? stripped : file)) };
}

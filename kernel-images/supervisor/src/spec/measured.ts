import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { digestFromHash, type Digest } from '@clean-room/protocol/bytes';
import type { ReadDocument } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { readSpec, SPEC_PATH, WORKSPACE_PATH, type Spec } from '@clean-room/protocol/submissions';

const MAX_SPEC_BYTES = 16 * 1024 ** 2;
const MAX_NOTEBOOK_BYTES = 64 * 1024 ** 2;

/** The content of the image's last layer: the spec, and the workspace files that it names, verified against it. */
export interface MeasuredSpec {
  readonly spec: ReadDocument<Spec>;
  /** Absolute path of the workspace. */
  readonly workspace: string;
  /** The bytes of the notebook that runs. */
  readonly notebook: Uint8Array;
}

async function fileDigest(path: string): Promise<Digest> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return digestFromHash(hash.digest());
}

/** Returns the paths of all files under `root`, relative to it. */
async function listFiles(root: string, prefix = ''): Promise<string[]> {
  const entries = await readdir(join(root, prefix), { withFileTypes: true });
  const nested = await Promise.all(
    entries.map(async entry => {
      const path = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
      if (entry.isDirectory()) return listFiles(root, path);
      if (!entry.isFile()) {
        throw new CleanRoomError(
          'workspace-refused',
          'The workspace in the image contains an entry that is neither a file nor a folder.'
        );
      }
      return [path];
    })
  );
  return nested.flat();
}

async function checkWorkspace(spec: Spec, workspace: string): Promise<void> {
  const found = new Set(await listFiles(workspace));
  if (found.size !== spec.workspace.length) {
    throw new CleanRoomError(
      'workspace-refused',
      'The workspace in the image does not contain exactly the files that the spec names.'
    );
  }
  for (const file of spec.workspace) {
    if (!found.has(file.path)) {
      throw new CleanRoomError('workspace-refused', 'A file that the spec names is not in the image.');
    }
    const path = join(workspace, file.path);
    const { size } = await lstat(path);
    if (size !== file.bytes || (await fileDigest(path)) !== file.digest) {
      throw new CleanRoomError('digest-mismatch', 'A file in the image differs from the one in the spec.');
    }
  }
}

/**
 * Reads the spec and the workspace from the image. The image digest covers both; checking that they agree allows all
 * later steps to rely on the spec only.
 *
 * @param root - root of the image's file system
 * @throws CleanRoomError `malformed`, `workspace-refused` or `digest-mismatch`
 */
export async function readMeasuredSpec(root: string): Promise<MeasuredSpec> {
  const path = join(root, SPEC_PATH);
  if ((await lstat(path)).size > MAX_SPEC_BYTES)
    throw new CleanRoomError('too-large', 'The spec is too large.');
  const spec = readSpec(await readFile(path));
  const workspace = join(root, WORKSPACE_PATH);
  await checkWorkspace(spec.value, workspace);
  const notebook = await readFile(join(workspace, spec.value.notebook));
  if (notebook.length > MAX_NOTEBOOK_BYTES)
    throw new CleanRoomError('too-large', 'The notebook is too large.');
  return { spec, workspace, notebook };
}

import { isMissing } from '@clean-room/node-support';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { checkWorkspacePath } from '@clean-room/protocol/packaging';
import { fileError, throwFileRefused, throwNotRegular } from './errors.js';
import { OpenFolder, type EntryKind } from './open-folder.js';

/** A regular file of the workspace. Its folder is open until the next file is requested. */
export interface WorkspaceEntry {
  readonly folder: OpenFolder;
  readonly name: string;
  /** Relative to the workspace. */
  readonly path: string;
}

/** Runs `work` and converts its system errors to errors about `path`. */
function withFileErrors<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw fileError(error, path);
  }
}

/** Finds the files in an open folder. */
function* filesBelow(folder: OpenFolder, path: string): Generator<WorkspaceEntry> {
  for (const { name, kind } of folder.list())
    yield* filesAtEntry(folder, name, kind, path === '' ? name : `${path}/${name}`);
}

/** Finds the files of an entry: the entry itself if it is a file, or the files below it if it is a folder. */
function* filesAtEntry(
  folder: OpenFolder,
  name: string,
  kind: EntryKind,
  path: string
): Generator<WorkspaceEntry> {
  checkWorkspacePath(path);
  if (kind === 'link')
    throwFileRefused(path, 'it is a symbolic link', 'Replace the link with a copy of the file.');
  if (kind === 'other') throwNotRegular(path);
  if (kind === 'file') yield { folder, name, path };
  else yield* withFolder(folder, name, path, open => filesBelow(open, path));
}

/** Opens a folder while `find` finds the files in it. */
function* withFolder(
  folder: OpenFolder,
  name: string,
  path: string,
  find: (open: OpenFolder) => Generator<WorkspaceEntry>
): Generator<WorkspaceEntry> {
  const open = withFileErrors(path, () => folder.folder(name));
  try {
    yield* find(open);
  } finally {
    open.close();
  }
}

/** Finds the files at a path, opening one path segment at a time. */
function* filesAt(folder: OpenFolder, path: string, parts: readonly string[]): Generator<WorkspaceEntry> {
  const [name = '', ...rest] = parts;
  if (rest.length > 0) yield* withFolder(folder, name, path, open => filesAt(open, path, rest));
  else
    yield* filesAtEntry(
      folder,
      name,
      withFileErrors(path, () => folder.kindOf(name)),
      path
    );
}

function openRoot(root: string): OpenFolder {
  try {
    return OpenFolder.open(root);
  } catch (cause) {
    if (!isMissing(cause)) throw fileError(cause, root);
    throw new CleanRoomError('not-found', `The folder ${root} does not exist.`, { cause });
  }
}

/**
 * Finds the regular files of a workspace, each once. Symbolic links are followed only in the workspace's own path.
 *
 * @param include - files and folders to find, relative to the workspace; everything by default
 * @throws CleanRoomError `workspace-refused`, `not-found`
 */
export function* walk(root: string, include?: readonly string[]): Generator<WorkspaceEntry> {
  const seen = new Set<string>();
  const folder = openRoot(root);
  function* all(): Generator<WorkspaceEntry> {
    if (include === undefined) yield* filesBelow(folder, '');
    for (const path of include ?? []) {
      checkWorkspacePath(path);
      yield* filesAt(folder, path, path.split('/'));
    }
  }
  try {
    for (const found of all()) {
      if (seen.has(found.path)) continue;
      seen.add(found.path);
      yield found;
    }
  } finally {
    folder.close();
  }
}

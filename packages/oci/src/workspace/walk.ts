import { CleanRoomError } from '@clean-room/protocol/errors';
import { checkWorkspacePath } from '@clean-room/protocol/packaging';
import { isMissing } from '../system-error.js';
import { OpenFolder, type EntryKind } from './open-folder.js';
import { refuse, translate } from './refuse.js';

/** A regular file, found in a folder that is open until the next one is asked for. */
export interface Found {
  readonly folder: OpenFolder;
  readonly name: string;
  /** Relative to the workspace. */
  readonly path: string;
}

function inWords<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw translate(error, path);
  }
}

function* below(folder: OpenFolder, path: string): Generator<Found> {
  for (const { name, kind } of folder.list())
    yield* entry(folder, name, kind, path === '' ? name : `${path}/${name}`);
}

function* entry(folder: OpenFolder, name: string, kind: EntryKind, path: string): Generator<Found> {
  checkWorkspacePath(path);
  if (kind === 'link') refuse(path, 'it is a link', 'Put a copy of the file in its place.');
  if (kind === 'other') refuse(path, 'it is no regular file', 'Leave it out.');
  if (kind === 'file') yield { folder, name, path };
  else yield* within(folder, name, path, open => below(open, path));
}

/** Opens a folder for as long as what is in it is looked at. */
function* within(
  folder: OpenFolder,
  name: string,
  path: string,
  look: (open: OpenFolder) => Generator<Found>
): Generator<Found> {
  const open = inWords(path, () => folder.folder(name));
  try {
    yield* look(open);
  } finally {
    open.close();
  }
}

/** Goes down to what a path names, one part at a time. */
function* at(folder: OpenFolder, path: string, parts: readonly string[]): Generator<Found> {
  const [name = '', ...rest] = parts;
  if (rest.length > 0) yield* within(folder, name, path, open => at(open, path, rest));
  else
    yield* entry(
      folder,
      name,
      inWords(path, () => folder.kindOf(name)),
      path
    );
}

function openRoot(root: string): OpenFolder {
  try {
    return OpenFolder.open(root);
  } catch (cause) {
    if (!isMissing(cause)) throw translate(cause, root);
    throw new CleanRoomError('not-found', `There is no folder ${root}.`, { cause });
  }
}

/**
 * Finds the regular files of a workspace, each once. Nothing is followed but the workspace's own path.
 * @param include files and folders to take; all that is there when absent
 * @throws CleanRoomError `workspace-refused`, `not-found`
 */
export function* walk(root: string, include?: readonly string[]): Generator<Found> {
  const seen = new Set<string>();
  const folder = openRoot(root);
  function* all(): Generator<Found> {
    if (include === undefined) yield* below(folder, '');
    for (const path of include ?? []) {
      checkWorkspacePath(path);
      yield* at(folder, path, path.split('/'));
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

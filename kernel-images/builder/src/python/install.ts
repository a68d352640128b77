import { utf8 } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { FileTree } from '../tree/file-tree.js';
import { parentOf } from '../tree/path.js';
import { Wheel, type WheelFile } from './wheel.js';

/** The folders of a tree in which Debian's Python looks for locally installed packages. */
export interface PythonPaths {
  /** The folder of modules, such as `jail/usr/local/lib/python3.11/dist-packages`. */
  readonly packages: string;
  /** The folder of commands, such as `jail/usr/local/bin`. */
  readonly commands: string;
  /** The folder of data files, such as `jail/usr/local`. */
  readonly data: string;
  /** The path of Python inside the jail, for the first line of commands. */
  readonly interpreter: string;
}

/** Returns the path of a wheel's file in the tree, or undefined for C headers (PEP 427, "Installing a wheel"). */
function targetOf(name: string, infoFolder: string, paths: PythonPaths): string | undefined {
  const dataFolder = infoFolder.replace(/\.dist-info$/, '.data/');
  if (!name.startsWith(dataFolder)) return `${paths.packages}/${name}`;
  const [scheme = '', ...rest] = name.slice(dataFolder.length).split('/');
  const path = rest.join('/');
  switch (scheme) {
    case 'purelib':
    case 'platlib':
      return `${paths.packages}/${path}`;
    case 'scripts':
      return `${paths.commands}/${path}`;
    case 'data':
      return `${paths.data}/${path}`;
    case 'headers':
      return undefined;
    default:
      throw new CleanRoomError('malformed', `The wheel contains an unknown kind of data: ${name}.`);
  }
}

/** Replaces the placeholder `#!python` at the beginning of a script. */
async function* withInterpreter(file: WheelFile, interpreter: string): AsyncGenerator<Uint8Array> {
  let first = true;
  for await (const chunk of file.open()) {
    const placeholder = first
      ? /^#!pythonw?/.exec(Buffer.from(chunk.subarray(0, 16)).toString('latin1'))
      : null;
    first = false;
    if (placeholder === null) yield chunk;
    else {
      yield utf8(`#!${interpreter}`);
      yield chunk.subarray(placeholder[0].length);
    }
  }
}

/** Returns the script of a console command whose entry point is `module:object`. */
function commandText(entryPoint: string, interpreter: string): Uint8Array {
  const [module = '', object = ''] = entryPoint.split(':');
  const [root = ''] = object.split('.');
  return utf8(`#!${interpreter}\nimport sys\nfrom ${module} import ${root}\nsys.exit(${object}())\n`);
}

/**
 * Adds the files of a wheel to a tree, as an installer does. Every file is checked against the wheel's RECORD.
 *
 * @param path - the path of the wheel
 * @param strip - returns whether a path of the tree is left out
 * @throws CleanRoomError `malformed`, `digest-mismatch`, `conflict`
 */
export async function installWheel(
  path: string,
  tree: FileTree,
  paths: PythonPaths,
  strip: (path: string) => boolean
): Promise<void> {
  const wheel = await Wheel.open(path);
  try {
    for (const file of wheel.files()) {
      const target = targetOf(file.name, wheel.infoFolder, paths);
      if (target === undefined || strip(target)) continue;
      const isCommand = parentOf(target) === paths.commands;
      const content = isCommand ? withInterpreter(file, paths.interpreter) : file.open();
      await tree.addFile(target, content, isCommand || file.executable ? 0o755 : 0o644);
    }
    for (const [name, entryPoint] of await wheel.commands()) {
      const target = `${paths.commands}/${name}`;
      if (!strip(target)) await tree.addFile(target, commandText(entryPoint, paths.interpreter), 0o755);
    }
  } finally {
    wheel.close();
  }
}

/**
 * Adds a single file of a wheel to a tree.
 *
 * @param name - the file's path in the wheel
 * @param target - its path in the tree
 * @throws CleanRoomError `not-found`, `malformed`, `digest-mismatch`, `conflict`
 */
export async function extractFile(
  path: string,
  name: string,
  tree: FileTree,
  target: string,
  mode: number
): Promise<void> {
  const wheel = await Wheel.open(path);
  try {
    const file = [...wheel.files()].find(candidate => candidate.name === name);
    if (file === undefined)
      throw new CleanRoomError('not-found', `The wheel ${path} does not contain ${name}.`);
    await tree.addFile(target, file.open(), mode);
  } finally {
    wheel.close();
  }
}

import { utf8 } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { FileTree } from '../tree/file-tree.js';
import { parentOf } from '../tree/path.js';
import { Wheel, type WheelFile } from './wheel.js';

/** Where Debian's Python looks for what an administrator installed. */
export interface PythonPaths {
  /** `jail/usr/local/lib/python3.11/dist-packages` */
  readonly packages: string;
  /** `jail/usr/local/bin` */
  readonly commands: string;
  /** `jail/usr/local` */
  readonly data: string;
  /** As it is called inside: the first line of commands. */
  readonly interpreter: string;
}

/** Where a file of the wheel goes, `undefined` for what only compilers need (PEP 427, "Installing a wheel"). */
function placeOf(name: string, infoFolder: string, paths: PythonPaths): string | undefined {
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
      throw new CleanRoomError('malformed', `The wheel has an unknown kind of data: ${name}.`);
  }
}

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

function commandText(target: string, interpreter: string): Uint8Array {
  const [module = '', object = ''] = target.split(':');
  const [root = ''] = object.split('.');
  return utf8(`#!${interpreter}\nimport sys\nfrom ${module} import ${root}\nsys.exit(${object}())\n`);
}

/**
 * Lays a wheel's files into the tree as an installer would, every one checked against the wheel's RECORD.
 * @param strip says which paths of the image are left out
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
      const place = placeOf(file.name, wheel.infoFolder, paths);
      if (place === undefined || strip(place)) continue;
      const isCommand = parentOf(place) === paths.commands;
      const content = isCommand ? withInterpreter(file, paths.interpreter) : file.open();
      await tree.addFile(place, content, isCommand || file.executable ? 0o755 : 0o644);
    }
    for (const [name, target] of await wheel.commands()) {
      const place = `${paths.commands}/${name}`;
      if (!strip(place)) await tree.addFile(place, commandText(target, paths.interpreter), 0o755);
    }
  } finally {
    wheel.close();
  }
}

/** Takes a single file out of a wheel that is used for nothing else. */
export async function extractFile(
  path: string,
  name: string,
  to: FileTree,
  place: string,
  mode: number
): Promise<void> {
  const wheel = await Wheel.open(path);
  try {
    const file = [...wheel.files()].find(candidate => candidate.name === name);
    if (file === undefined) throw new CleanRoomError('not-found', `The wheel ${path} does not hold ${name}.`);
    await to.addFile(place, file.open(), mode);
  } finally {
    wheel.close();
  }
}

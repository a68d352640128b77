import { fileURLToPath } from 'node:url';
import { Type } from 'typebox';
import { Check } from 'typebox/value';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { FileTree } from '../tree/file-tree.js';
import { parentOf } from '../tree/path.js';
import { runJailPython } from './jail-python.js';

const SCRIPT = fileURLToPath(new URL('../../assets/precompile.py', import.meta.url));
/** The number of processes that compile. It is the same on every machine. */
const SHARES = 2;
const Line = Type.Object({ path: Type.String(), compiled: Type.Boolean() });

/** The result of `precompile`. */
export interface Precompiled {
  /** The number of compiled sources. */
  readonly compiled: number;
  /** The paths of sources that are not valid for this Python, such as templates. */
  readonly skipped: readonly string[];
}

function pycPath(path: string, version: string): string {
  const name = path.slice(parentOf(path).length + 1, -'.py'.length);
  return `${parentOf(path)}/__pycache__/${name}.cpython-${version.replace('.', '')}.pyc`;
}

/**
 * Adds byte code for every Python source of a tree, so that no notebook waits for the compiler.
 *
 * @param jail - the folder of the unpacked jail, whose Python compiles
 * @param prefix - the folder of the jail in the tree
 * @param version - the version of Python
 */
export async function precompile(
  tree: FileTree,
  jail: string,
  prefix: string,
  version: string
): Promise<Precompiled> {
  const sources = [...tree.entries()]
    .filter(([path, node]) => node.kind === 'file' && path.endsWith('.py') && path.startsWith(`${prefix}/`))
    .map(([path]) => path.slice(prefix.length + 1))
    .filter(path => path.startsWith('usr/lib/') || path.startsWith('usr/local/lib/'));
  const root = tree.locate(prefix);
  const shares = Array.from({ length: SHARES }, (_, share) =>
    sources.filter((_path, index) => index % SHARES === share)
  );
  const outputs = await Promise.all(
    shares.map(paths =>
      runJailPython(jail, version, [SCRIPT], { input: JSON.stringify({ root, inside: '/', paths }) })
    )
  );
  const results = outputs.flatMap(output =>
    output
      .split('\n')
      .filter(line => line !== '')
      .map(readLine)
  );
  if (results.length !== sources.length)
    throw new CleanRoomError('internal', 'Not every Python source was compiled.');
  for (const { path } of results.filter(({ compiled }) => compiled)) {
    await tree.addExisting(`${prefix}/${pycPath(path, version)}`);
  }
  return {
    compiled: results.filter(({ compiled }) => compiled).length,
    skipped: results.filter(({ compiled }) => !compiled).map(({ path }) => path)
  };
}

function readLine(line: string): { path: string; compiled: boolean } {
  const value: unknown = JSON.parse(line);
  if (Check(Line, value)) return value;
  throw new CleanRoomError(
    'internal',
    `The compiler of Python sources printed an unexpected line: "${line.slice(0, 80)}".`
  );
}

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Digest } from '@clean-room/protocol/bytes';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** The packages that are installed, the Python package of notebooks, and settings of builds. */
const PARTS = [
  'packages/protocol',
  'packages/node-support',
  'packages/api',
  'packages/oci',
  'packages/simulator',
  'kernel-images/sandbox',
  'kernel-images/supervisor',
  'kernel-images/builder',
  'kernel-images/clean_room',
  'kernel-images/python-cpu',
  'server',
  'extension',
  'install.json',
  'tsconfig.json',
  'tsconfig.base.json'
];

/** Names of folders that are not part of the compiled program, and of those that builds write. */
const LEFT_OUT = ['node_modules', 'test', 'test-python', 'bench', 'command', 'labextension', '__pycache__'];

/** The only module in which a build for tests differs from the product. */
export const ROOTS_MODULE = 'packages/protocol/lib/attestation/hardware-roots.js';

/** A build of all programs that also accepts a test authority. */
export interface TestBuild {
  /** A folder with the layout of the project, within the project, so that it finds the same libraries. */
  readonly folder: string;
  /** The `clean-room` command. */
  readonly command: string;
}

/** Returns the text of the roots module with one more root. */
function withRoot(text: string, root: Digest): string {
  const end = text.lastIndexOf('\n];');
  if (end < 0) throw new Error(`${ROOTS_MODULE} has another form`);
  const added = `,\n    { sha256: '${root}', kind: 'hardware', owner: 'A test authority' }`;
  return text.slice(0, end) + added + text.slice(end);
}

/**
 * Copies the compiled project, and adds the root of a test authority to the hardware roots. Nothing else differs from the product,
 * and nothing in the product can have this effect.
 *
 * @param folder - the folder of the build, which is replaced; it must be within the project
 */
export async function makeTestBuild(folder: string, root: Digest): Promise<TestBuild> {
  await rm(folder, { recursive: true, force: true });
  const scope = path.join(folder, 'node_modules/@clean-room');
  await mkdir(scope, { recursive: true });
  for (const name of PARTS) {
    const target = path.join(folder, name);
    await cp(path.join(ROOT, name), target, {
      recursive: true,
      filter: source => !LEFT_OUT.includes(path.basename(source))
    });
    if (!existsSync(path.join(target, 'package.json'))) continue;
    const text = await readFile(path.join(target, 'package.json'), 'utf8');
    const { name: full } = JSON.parse(text) as { name: string };
    await symlink(path.relative(scope, target), path.join(folder, 'node_modules', full));
  }
  const module = path.join(folder, ROOTS_MODULE);
  await writeFile(module, withRoot(await readFile(module, 'utf8'), root));
  return { folder, command: path.join(folder, 'server/bin/clean-room.js') };
}

/**
 * Builds the JupyterLab extension of a build for tests, with the command that it contains and the kernel images that are known by then.
 * The result is the Python package in `extension/jupyterlab_clean_room`.
 */
export async function buildTestExtension({ folder }: TestBuild): Promise<void> {
  await promisify(execFile)(process.execPath, [path.join(folder, 'extension/build/build.mjs')]);
}

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { wardenBuild } from '../../src/build/index.js';
import type { SandboxProfile } from '../../src/warden/arguments.js';
import { buildImage, unpackImage } from './image.js';
import { CACHE, ORDINARY_USER, PACKAGE } from './paths.js';
import { compile } from './zig.js';

/** True when the tests run as root. */
export const isRoot = process.getuid?.() === 0;

/** Files that all tests with a real sandbox share. */
export interface Fixtures {
  /** Folders of the image's layers, from the topmost to the lowest. */
  readonly stacks: Readonly<Record<SandboxProfile, readonly string[]>>;
  /** Path of the first program of the emulated container. */
  readonly init: string;
  /** Path of the program that replaces the supervisor. */
  readonly driver: string;
}

const VARIABLE = 'CLEAN_ROOM_TEST_FIXTURES';

/** Returns the fixtures that the global setup has prepared. */
export function fixtures(): Fixtures {
  return JSON.parse(process.env[VARIABLE] ?? '') as Fixtures;
}

/** Returns the topmost layer of the image that contains the file. */
export function layerWith(profile: SandboxProfile, path: string): string {
  const found = fixtures().stacks[profile].find(layer => existsSync(join(layer, path)));
  if (found === undefined) throw new Error(`The image has no ${path}.`);
  return found;
}

/** Bundles the driver. Its name contains its digest, so that a file in use by a container is never replaced. */
async function bundleDriver(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(PACKAGE, 'test/support/driver.ts')],
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    logLevel: 'silent',
    write: false
  });
  const content = outputFiles[0]?.contents ?? new Uint8Array();
  const target = join(CACHE, `driver-${createHash('sha256').update(content).digest('hex').slice(0, 16)}.mjs`);
  if (existsSync(target)) return target;
  await writeFile(`${target}.${process.pid}`, content, { mode: 0o644 });
  await rename(`${target}.${process.pid}`, target);
  return target;
}

/** Prepares the fixtures. Must be called once, before all tests. */
export async function prepareFixtures(): Promise<void> {
  await mkdir(CACHE, { recursive: true });
  const layers = await buildImage();
  const ordinary = isRoot ? ORDINARY_USER : (process.getuid?.() ?? ORDINARY_USER);
  const prepared: Fixtures = {
    stacks: {
      'second-uid': isRoot ? await unpackImage(layers, 0) : [],
      'nested-namespace': await unpackImage(layers, ordinary)
    },
    init: await compile(
      'container-init',
      [join(PACKAGE, 'test/support/container-init.c')],
      wardenBuild.flags
    ),
    driver: await bundleDriver()
  };
  process.env[VARIABLE] = JSON.stringify(prepared);
}

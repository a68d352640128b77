import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { wardenBuild } from '../../src/build/index.js';
import type { SandboxProfile } from '../../src/warden/arguments.js';
import { buildImage, unpackImage } from './image.js';
import { CACHE, ORDINARY_USER, ROOM } from './paths.js';
import { compile } from './zig.js';

export const isRoot = process.getuid?.() === 0;

/** What all tests with a real sandbox share. */
export interface Stage {
  /** The image's layers as folders, the topmost first. */
  readonly stacks: Readonly<Record<SandboxProfile, readonly string[]>>;
  /** First program of the emulated container. */
  readonly init: string;
  /** Stands in for the supervisor. */
  readonly driver: string;
}

const VARIABLE = 'CLEAN_ROOM_TEST_STAGE';

export function stage(): Stage {
  return JSON.parse(process.env[VARIABLE] ?? '') as Stage;
}

/** The layer of the image that has the file. */
export function layerWith(profile: SandboxProfile, path: string): string {
  const found = stage().stacks[profile].find(layer => existsSync(join(layer, path)));
  if (found === undefined) throw new Error(`The image has no ${path}.`);
  return found;
}

/** Named by its content, so that it is never replaced under a container that runs. */
async function bundleDriver(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(ROOM, 'test/support/driver.ts')],
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

/** Makes everything that a test with a real sandbox needs. Called once before all tests of the room. */
export async function prepareStage(): Promise<void> {
  await mkdir(CACHE, { recursive: true });
  const layers = await buildImage();
  const ordinary = isRoot ? ORDINARY_USER : (process.getuid?.() ?? ORDINARY_USER);
  const made: Stage = {
    stacks: {
      'second-uid': isRoot ? await unpackImage(layers, 0) : [],
      'nested-namespace': await unpackImage(layers, ordinary)
    },
    init: await compile('container-init', [join(ROOM, 'test/support/container-init.c')], wardenBuild.flags),
    driver: await bundleDriver()
  };
  process.env[VARIABLE] = JSON.stringify(made);
}

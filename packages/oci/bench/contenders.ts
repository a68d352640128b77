import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { openSync, closeSync, readFileSync, readdirSync, rmSync, writeSync, fdatasyncSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import {
  LAUNCH_POLICY_LABELS,
  readKernelImage,
  writeTar,
  type KernelImageDocuments,
  type TarEntry
} from '@clean-room/protocol/packaging';
import { LayoutStore } from '@clean-room/oci/layout';
import { packageOnce } from './package-once.ts';
import type { Scene } from './scene.ts';

export interface Contender {
  readonly name: string;
  readonly kind: 'ours' | 'tool' | 'limit';
  /** Once, before all rounds. */
  prepare?(scene: Scene): Promise<void>;
  round(scene: Scene, round: number): Promise<void>;
  cleanUp?(scene: Scene): Promise<void>;
}

const execute = promisify(execFile);
const run = async (program: string, ...args: string[]): Promise<string> =>
  (await execute(program, args)).stdout.trim();
const labels = Object.entries(LAUNCH_POLICY_LABELS).map(([name, value]) => `${name}=${value}`);

let store: LayoutStore;
let kernelImage: KernelImageDocuments;

/** What the server does: in a process that runs already, with a kernel image it read at its start, known by digest alone. */
export const OURS: Contender = {
  name: 'in the running server',
  kind: 'ours',
  async prepare({ layout, kernelImage: files }) {
    store = await LayoutStore.open(layout);
    kernelImage = readKernelImage(files);
  },
  round: scene => packageOnce(store, kernelImage, scene)
};

/** For information, as tools are started for each revision and the server is not: Node's start included. */
export const OURS_STARTED: Contender = {
  name: 'Node started for it',
  kind: 'ours',
  async prepare({ folder }) {
    const entry = fileURLToPath(new URL('program.ts', import.meta.url));
    await build({
      entryPoints: [entry],
      outdir: join(folder, 'program'),
      outExtension: { '.js': '.mjs' },
      bundle: true,
      splitting: true,
      minify: true,
      platform: 'node',
      format: 'esm',
      logLevel: 'error'
    });
  },
  async round({ folder, layout, staged }, round) {
    const program = join(folder, 'program/program.mjs');
    await run(process.execPath, program, layout, staged, `program-${round}`);
  }
};

const umoci: Contender = {
  name: 'umoci insert, config',
  kind: 'tool',
  async round({ layout, staged }, round) {
    const image = `${layout}:umoci-${round}`;
    await run(
      'umoci',
      'insert',
      '--image',
      `${layout}:kernel`,
      '--tag',
      `umoci-${round}`,
      staged,
      '/clean-room'
    );
    await run('umoci', 'config', '--image', image, ...labels.flatMap(label => ['--config.label', label]));
  }
};

const buildahStore = ({ folder }: Scene): string[] => [
  '--root',
  join(folder, 'buildah'),
  '--runroot',
  join(folder, 'buildah-run')
];

/** It unpacks the kernel image; that is done beforehand, and only what each revision needs is measured. */
const buildah: Contender = {
  name: 'buildah from, copy, config, commit',
  kind: 'tool',
  async prepare(scene) {
    const container = await run('buildah', ...buildahStore(scene), 'from', `oci:${scene.layout}:kernel`);
    await run('buildah', ...buildahStore(scene), 'commit', container, 'kernel');
    await run('buildah', ...buildahStore(scene), 'rm', container);
  },
  async round(scene, round) {
    const store = buildahStore(scene);
    const container = await run('buildah', ...store, 'from', '--pull-never', 'localhost/kernel');
    await run('buildah', ...store, 'copy', '--quiet', container, scene.staged, '/clean-room');
    await run('buildah', ...store, 'config', ...labels.flatMap(label => ['--label', label]), container);
    await run(
      'buildah',
      ...store,
      'commit',
      '--quiet',
      '--rm',
      container,
      `oci:${scene.layout}:buildah-${round}`
    );
  },
  async cleanUp(scene) {
    await run('buildah', ...buildahStore(scene), 'rmi', '--all', '--force');
  }
};

function allFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name));
}

/**
 * The least that is to be done, written as plainly as it can be: tar and SHA-256 of the same bytes, in a file that is on the
 * disk. No check, no digest of a file, no spec, no image.
 */
export const LEAST: Contender = {
  name: 'tar and SHA-256 of the same bytes',
  kind: 'limit',
  async round({ folder, staged }) {
    const entries = allFiles(staged).map((path): TarEntry => {
      const content = readFileSync(path);
      return {
        type: 'file',
        path: relative(staged, path),
        mode: 0o644,
        size: content.length,
        content: () => [content]
      };
    });
    const hash = createHash('sha256');
    const path = join(folder, 'limit.tar');
    const file = openSync(path, 'wx');
    for await (const chunk of writeTar(entries)) {
      writeSync(file, chunk);
      hash.update(chunk);
    }
    fdatasyncSync(file);
    closeSync(file);
    hash.digest();
    rmSync(path);
  }
};

export const CONTENDERS: readonly Contender[] = [OURS, OURS_STARTED, umoci, buildah, LEAST];

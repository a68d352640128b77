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
import type { Fixture } from './fixture.ts';

/** A program that packages a workspace: ours, another tool, or the lower limit of the work. */
export interface Contender {
  readonly name: string;
  readonly kind: 'ours' | 'tool' | 'limit';
  /** Runs once before all rounds and is not measured. */
  prepare?(fixture: Fixture): Promise<void>;
  /** Packages the workspace once. This is measured. */
  round(fixture: Fixture, round: number): Promise<void>;
  cleanUp?(fixture: Fixture): Promise<void>;
}

const execute = promisify(execFile);
const run = async (program: string, ...args: string[]): Promise<string> =>
  (await execute(program, args)).stdout.trim();
const labels = Object.entries(LAUNCH_POLICY_LABELS).map(([name, value]) => `${name}=${value}`);

let store: LayoutStore;
let kernelImage: KernelImageDocuments;

/** Packages as the server does: in a running process, with a kernel image that was read at its start, and without a tag. */
export const OURS: Contender = {
  name: 'in the running server',
  kind: 'ours',
  async prepare({ layout, kernelImage: files }) {
    store = await LayoutStore.open(layout);
    kernelImage = readKernelImage(files);
  },
  round: fixture => packageOnce(store, kernelImage, fixture)
};

/** Packages in a new process. For information only: the tools are started for each revision, the server is not. */
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

const buildahStore = ({ folder }: Fixture): string[] => [
  '--root',
  join(folder, 'buildah'),
  '--runroot',
  join(folder, 'buildah-run')
];

/** Packages with buildah. It must unpack the kernel image first; this is not measured, only the work for each revision is. */
const buildah: Contender = {
  name: 'buildah from, copy, config, commit',
  kind: 'tool',
  async prepare(fixture) {
    const container = await run('buildah', ...buildahStore(fixture), 'from', `oci:${fixture.layout}:kernel`);
    await run('buildah', ...buildahStore(fixture), 'commit', container, 'kernel');
    await run('buildah', ...buildahStore(fixture), 'rm', container);
  },
  async round(fixture, round) {
    const store = buildahStore(fixture);
    const container = await run('buildah', ...store, 'from', '--pull-never', 'localhost/kernel');
    await run('buildah', ...store, 'copy', '--quiet', container, fixture.staged, '/clean-room');
    await run('buildah', ...store, 'config', ...labels.flatMap(label => ['--label', label]), container);
    await run(
      'buildah',
      ...store,
      'commit',
      '--quiet',
      '--rm',
      container,
      `oci:${fixture.layout}:buildah-${round}`
    );
  },
  async cleanUp(fixture) {
    await run('buildah', ...buildahStore(fixture), 'rmi', '--all', '--force');
  }
};

function allFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name));
}

/**
 * The minimum of work: a tar of the same bytes with its SHA-256, in a file that is flushed to disk. It does no checks,
 * computes no digests of files, and writes neither spec nor image.
 */
export const MINIMUM: Contender = {
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

/** All contenders, in the order in which they run. */
export const CONTENDERS: readonly Contender[] = [OURS, OURS_STARTED, umoci, buildah, MINIMUM];

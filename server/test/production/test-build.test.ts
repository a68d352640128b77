import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { digestOf, utf8, type Digest } from '@clean-room/protocol/bytes';
import { bundleSupervisor } from '../../../kernel-images/builder/src/parts/supervisor.js';
import { CACHE } from '../support/bundle.js';
import { makeTestBuild, ROOTS_MODULE } from './test-build.js';

const PRODUCT = fileURLToPath(new URL('../../../', import.meta.url));
const ROOT: Digest = digestOf(utf8('the root of a test authority'));

let folder: string;
beforeAll(async () => {
  await mkdir(CACHE, { recursive: true });
  folder = await mkdtemp(path.join(CACHE, 'test-build-'));
  await makeTestBuild(folder, ROOT);
});
afterAll(() => rm(folder, { recursive: true }));

/** Bundles a program of a build, with all its libraries. */
async function bundleOf(root: string, entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [path.join(root, entry)],
    absWorkingDir: root,
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    external: ['@google-cloud/*', '@electric-sql/*', '@clean-room/simulator'],
    logLevel: 'error'
  });
  return outputFiles[0]!.text;
}

/** Returns the lines of a text that another text does not have, without the folders in which libraries are. */
function linesBeyond(text: string, other: string): string[] {
  const linesOf = (value: string): string[] =>
    value.replaceAll(/(?:\.\.\/)+node_modules/g, 'node_modules').split('\n');
  const known = new Map<string, number>();
  for (const line of linesOf(other)) known.set(line, (known.get(line) ?? 0) + 1);
  return linesOf(text).filter(line => {
    const count = known.get(line) ?? 0;
    known.set(line, count - 1);
    return count <= 0;
  });
}

describe('a build for tests', () => {
  test('has the files of the product, and one module with one more root', async () => {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const files = entries.filter(entry => entry.isFile());
    expect(files.length).toBeGreaterThan(1000);
    const different: string[] = [];
    for (const { parentPath, name } of files) {
      const file = path.relative(folder, path.join(parentPath, name));
      const own = await readFile(path.join(folder, file));
      if (!own.equals(await readFile(path.join(PRODUCT, file)))) different.push(file);
    }
    expect(different).toEqual([ROOTS_MODULE]);
    const [own, product] = await Promise.all(
      [folder, PRODUCT].map(root => readFile(path.join(root, ROOTS_MODULE), 'utf8'))
    );
    expect(own!.replace(/,\n\s*{ sha256: '[^']*', kind: 'hardware', owner: 'A test authority' }/, '')).toBe(
      product
    );
  });

  test('has no other supervisor, server and command than the product, but for this root', async () => {
    const entry = 'server/bin/clean-room.js';
    const bundles = await Promise.all([
      Promise.all(
        [folder, PRODUCT].map(async root => new TextDecoder().decode(await bundleSupervisor(root)))
      ),
      Promise.all([folder, PRODUCT].map(root => bundleOf(root, entry)))
    ]);
    for (const [own = '', product = ''] of bundles) {
      expect(product).toContain('Google');
      expect(product).not.toContain(ROOT);
      const added = linesBeyond(own, product);
      expect(added.join('\n')).toContain(ROOT);
      expect(added.length).toBeLessThanOrEqual(6);
      expect(linesBeyond(product, own).join('').trim()).toMatch(/^}?$/);
    }
  });
});

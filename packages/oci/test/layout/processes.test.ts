import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { readdir, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { readManifest } from '@clean-room/protocol/packaging';
import type { Digest } from '@clean-room/protocol/bytes';
import { LayoutStore } from '../../src/layout/layout-store.js';
import { collect } from '../support/image.js';

let folder: string;
let program: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'processes-'));
  program = join(folder, 'writer.mjs');
  const entry = fileURLToPath(new URL('../support/writer.ts', import.meta.url));
  buildSync({
    entryPoints: [entry],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error'
  });
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs writer processes for a while, then kills them. Returns the images that they reported as stored. */
async function writeAndKill(layout: string, prefixes: readonly string[], forMs: number) {
  const reported: { digest: Digest; name: string }[] = [];
  const writers = prefixes.map(prefix => {
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', program, layout, prefix],
      {
        stdio: ['ignore', 'pipe', 'inherit']
      }
    );
    let text = '';
    child.stdout.on('data', chunk => (text += String(chunk)));
    return { child, lines: () => text.split('\n').slice(0, -1) };
  });
  await Promise.all(writers.map(({ child }) => once(child.stdout, 'data')));
  await setTimeout(forMs);
  await Promise.all(
    writers.map(({ child }) => {
      child.kill('SIGKILL');
      return once(child, 'close');
    })
  );
  for (const { lines } of writers) {
    for (const line of lines()) {
      const [digest = '', name = ''] = line.split(' ');
      reported.push({ digest: digest as Digest, name });
    }
  }
  return reported;
}

async function requireComplete(store: LayoutStore, digest: Digest): Promise<void> {
  const { config, layers } = readManifest(await store.readManifest(digest)).value;
  for (const blob of [config, ...layers])
    expect((await collect(store.readBlob(blob.digest))).length).toBe(blob.size);
}

describe('a layout folder used by several processes', () => {
  it('loses no image and contains no incomplete file after they are killed', async () => {
    const layout = join(folder, 'layout');
    for (let round = 0; round < 4; round++) {
      const reported = await writeAndKill(layout, [`a${round}`, `b${round}`], 150 + 60 * round);
      const store = await LayoutStore.open(layout);
      expect(reported.length).toBeGreaterThan(1);
      for (const { digest, name } of reported) {
        expect(await store.resolve(name)).toBe(digest);
        await requireComplete(store, digest);
      }
      // Every blob has the digest in its name, even if its writer was killed before it reported the image.
      for (const hex of await readdir(join(layout, 'blobs/sha256')))
        await collect(store.readBlob(`sha256:${hex}`));
    }
  }, 120_000);

  it('removes old drafts when it is opened, and keeps recent ones', async () => {
    const layout = join(folder, 'drafts');
    await LayoutStore.open(layout);
    await writeFile(join(layout, '.drafts/.draft-old'), 'half a blob');
    await writeFile(join(layout, '.drafts/.draft-new'), 'half a blob');
    await utimes(join(layout, '.drafts/.draft-old'), 0, 0);
    await LayoutStore.open(layout);
    expect(await readdir(join(layout, '.drafts'))).toEqual(['.draft-new']);
  });
});

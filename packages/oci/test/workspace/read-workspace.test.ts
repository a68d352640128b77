import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { appendFileSync, truncateSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOf, utf8 } from '@clean-room/protocol/bytes';
import { readWorkspace } from '../../src/workspace/read-workspace.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'workspace-'));
  await writeFile(join(folder, 'explore.ipynb'), '{}');
});
afterEach(() => rm(folder, { recursive: true }));

const refused = { code: 'workspace-refused' };

describe('reading a workspace', () => {
  it('returns every file with digest and size, in bytewise order', async () => {
    await mkdir(join(folder, 'lib'));
    await writeFile(join(folder, 'lib/b.py'), 'b');
    await writeFile(join(folder, 'Z.py'), '');
    const files = await readWorkspace(folder);
    expect(files.map(({ path, bytes }) => [path, bytes])).toEqual([
      ['Z.py', 0],
      ['explore.ipynb', 2],
      ['lib/b.py', 1]
    ]);
    expect(files[1]!.digest).toBe(digestOf(utf8('{}')));
  });

  it('reads only the requested files', async () => {
    await writeFile(join(folder, 'big.csv'), 'x');
    expect((await readWorkspace(folder, ['explore.ipynb'])).map(file => file.path)).toEqual([
      'explore.ipynb'
    ]);
  });

  it('refuses symbolic links to files outside and inside, and to folders', async () => {
    await symlink('/etc/passwd', join(folder, 'passwd'));
    await expect(readWorkspace(folder)).rejects.toMatchObject(refused);
    await rm(join(folder, 'passwd'));
    await symlink('explore.ipynb', join(folder, 'same.ipynb'));
    await expect(readWorkspace(folder)).rejects.toMatchObject(refused);
    await rm(join(folder, 'same.ipynb'));
    await symlink('/etc', join(folder, 'etc'));
    await expect(readWorkspace(folder, ['etc/passwd'])).rejects.toMatchObject(refused);
  });

  it('refuses a pipe without waiting for it, and a socket', async () => {
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    await expect(readWorkspace(folder)).rejects.toMatchObject(refused);
    await rm(join(folder, 'pipe'));
    const server = createServer().listen(join(folder, 'socket'));
    await new Promise(resolve => server.once('listening', resolve));
    try {
      await expect(readWorkspace(folder)).rejects.toMatchObject(refused);
    } finally {
      await new Promise(resolve => server.close(resolve));
    }
  });

  it('refuses a huge sparse file immediately', async () => {
    await writeFile(join(folder, 'sparse'), '');
    await truncate(join(folder, 'sparse'), 2 ** 40);
    await expect(readWorkspace(folder)).rejects.toMatchObject(refused);
  });

  it('refuses paths that lead out of the folder', async () => {
    await expect(readWorkspace(folder, ['../other'])).rejects.toMatchObject(refused);
    await expect(readWorkspace(folder, ['/etc/passwd'])).rejects.toMatchObject(refused);
  });

  it('reads requested folders, and each file once', async () => {
    await mkdir(join(folder, 'lib/deep'), { recursive: true });
    await writeFile(join(folder, 'lib/a.py'), 'a');
    await writeFile(join(folder, 'lib/deep/b.py'), 'b');
    await writeFile(join(folder, 'other.py'), 'o');
    const files = await readWorkspace(folder, ['lib', 'lib/a.py', 'lib', 'explore.ipynb']);
    expect(files.map(({ path }) => path)).toEqual(['explore.ipynb', 'lib/a.py', 'lib/deep/b.py']);
  });

  it('refuses missing files, and paths below a file', async () => {
    await expect(readWorkspace(folder, ['gone.py'])).rejects.toMatchObject({ code: 'not-found' });
    await expect(readWorkspace(join(folder, 'gone'))).rejects.toMatchObject({ code: 'not-found' });
    await expect(readWorkspace(folder, ['lib/gone.py'])).rejects.toMatchObject({ code: 'not-found' });
    await expect(readWorkspace(folder, ['explore.ipynb/x'])).rejects.toMatchObject(refused);
  });

  it('follows a symbolic link to the workspace itself', async () => {
    const link = `${folder}-link`;
    await symlink(folder, link);
    try {
      expect((await readWorkspace(link)).map(({ path }) => path)).toEqual(['explore.ipynb']);
    } finally {
      await rm(link);
    }
  });

  it('refuses symbolic links that lead nowhere or in a circle', async () => {
    await symlink('nowhere', join(folder, 'a'));
    await expect(readWorkspace(folder)).rejects.toMatchObject(refused);
    await expect(readWorkspace(folder, ['a'])).rejects.toMatchObject(refused);
    await rm(join(folder, 'a'));
    await symlink('.', join(folder, 'a'));
    await expect(readWorkspace(folder, ['a/a/a/explore.ipynb'])).rejects.toMatchObject(refused);
  });

  it('refuses devices without opening them', async () => {
    await expect(readWorkspace('/dev', ['null'])).rejects.toMatchObject(refused);
    await expect(readWorkspace('/dev', ['zero'])).rejects.toMatchObject(refused);
  });

  it('refuses names that are not UTF-8', async () => {
    await writeFile(Buffer.concat([Buffer.from(`${folder}/bad-`), Buffer.from([0xff, 0xfe])]), 'x');
    await expect(readWorkspace(folder)).rejects.toMatchObject(refused);
  });

  it('refuses names that collide, and names that delete other files (whiteouts)', async () => {
    await writeFile(join(folder, 'Explore.ipynb'), '{}');
    await expect(readWorkspace(folder)).rejects.toMatchObject(refused);
    await rm(join(folder, 'Explore.ipynb'));
    await writeFile(join(folder, '.wh.explore.ipynb'), '');
    await expect(readWorkspace(folder)).rejects.toMatchObject(refused);
  });

  it('reads a file that has the name of one of our own files', async () => {
    await mkdir(join(folder, 'clean-room'));
    await writeFile(join(folder, 'clean-room/spec.json'), '{}');
    expect((await readWorkspace(folder)).map(({ path }) => path)).toContain('clean-room/spec.json');
  });

  it('refuses more than a gigabyte without reading it', async () => {
    for (let n = 0; n < 3; n++) {
      await writeFile(join(folder, `big-${n}`), '');
      await truncate(join(folder, `big-${n}`), 512 * 1024 ** 2);
    }
    const started = performance.now();
    await expect(readWorkspace(folder)).rejects.toMatchObject(refused);
    expect(performance.now() - started).toBeLessThan(500);
  });

  it('refuses more than ten thousand files', async () => {
    for (let n = 0; n < 10_001; n++) writeFileSync(join(folder, `f${n}`), '');
    await expect(readWorkspace(folder)).rejects.toMatchObject(refused);
  }, 60_000);

  it('reads large files in chunks, and again when they are packaged', async () => {
    const content = randomBytes(5_000_000);
    await writeFile(join(folder, 'large.bin'), content);
    const [, large] = await readWorkspace(folder);
    expect(large!.digest).toBe(digestOf(content));
    for (let round = 0; round < 2; round++) {
      const parts: Uint8Array[] = [];
      for await (const chunk of large!.content()) parts.push(chunk);
      expect(digestOf(Buffer.concat(parts))).toBe(large!.digest);
    }
  });
});

describe('a workspace that changes while it is read', () => {
  it('is refused if a file grows or shrinks', async () => {
    for (const change of [
      (path: string) => appendFileSync(path, 'x'),
      (path: string) => truncateSync(path, 1000)
    ]) {
      const path = join(folder, 'growing.bin');
      writeFileSync(path, '');
      truncateSync(path, 100 * 1024 ** 2);
      const reading = readWorkspace(folder);
      setTimeout(() => change(path), 5);
      await expect(reading).rejects.toMatchObject({
        ...refused,
        message: expect.stringContaining('changed') as unknown
      });
    }
  });

  /** Replaces a folder by a symbolic link to another one and back, as fast as possible. */
  const SWAPPER = `
    const { renameSync } = require('node:fs');
    const [, folder] = process.argv;
    process.stdout.write('ready');
    for (;;) {
      renameSync(folder + '/inner', folder + '/real');
      renameSync(folder + '/link', folder + '/inner');
      renameSync(folder + '/inner', folder + '/link');
      renameSync(folder + '/real', folder + '/inner');
    }`;

  it('never returns a file from outside if a folder is replaced by a symbolic link', async () => {
    const [outside, inside] = [join(folder, 'outside'), join(folder, 'workspace')];
    for (const [target, text] of [
      [outside, 'secret'],
      [join(inside, 'inner'), 'mine']
    ] as const) {
      await mkdir(target, { recursive: true });
      await writeFile(join(target, 'file.txt'), text);
    }
    await symlink(outside, join(inside, 'link'));
    const swapper = spawn(process.execPath, ['-e', SWAPPER, inside], {
      stdio: ['ignore', 'pipe', 'inherit']
    });
    await once(swapper.stdout, 'data');
    const outcomes = { read: 0, refused: 0 };
    try {
      for (let round = 0; round < 400; round++) {
        const [file] = await readWorkspace(inside, ['inner/file.txt']).catch((error: unknown) => {
          expect(error).toMatchObject({
            code: expect.stringMatching(/^(workspace-refused|not-found)$/) as unknown
          });
          outcomes.refused++;
          return [];
        });
        if (file === undefined) continue;
        outcomes.read++;
        expect(file.digest).toBe(digestOf(utf8('mine')));
      }
    } finally {
      swapper.kill();
      await once(swapper, 'close');
    }
    expect(outcomes.read + outcomes.refused).toBe(400);
    expect(outcomes.refused).toBeGreaterThan(0);
  }, 60_000);
});

import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOf, utf8 } from '@clean-room/protocol/bytes';
import { readWorkspace } from '../../src/index.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'workspace-'));
  await writeFile(join(folder, 'explore.ipynb'), '{}');
});
afterEach(() => rm(folder, { recursive: true }));

const refused = { code: 'workspace-refused' };

describe('reading a workspace', () => {
  it('gives every file with digest and size, in bytewise order', async () => {
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

  it('takes only what it is asked to take', async () => {
    await writeFile(join(folder, 'big.csv'), 'x');
    expect((await readWorkspace(folder, ['explore.ipynb'])).map(file => file.path)).toEqual([
      'explore.ipynb'
    ]);
  });

  it('refuses links, to files outside, inside and as folders', async () => {
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
      await expect(readWorkspace(folder)).rejects.toBeDefined();
    } finally {
      await new Promise(resolve => server.close(resolve));
    }
  });

  it('refuses a huge sparse file at once', async () => {
    await writeFile(join(folder, 'sparse'), '');
    await truncate(join(folder, 'sparse'), 2 ** 40);
    await expect(readWorkspace(folder)).rejects.toMatchObject(refused);
  });

  it('refuses paths out of the folder', async () => {
    await expect(readWorkspace(folder, ['../other'])).rejects.toMatchObject(refused);
    await expect(readWorkspace(folder, ['/etc/passwd'])).rejects.toMatchObject(refused);
  });
});

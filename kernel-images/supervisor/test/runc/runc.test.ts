import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { notebook, results } from '../support/attempt.js';
import { JobServer } from '../support/job-server.js';
import { LauncherServer } from '../support/launcher-server.js';
import { startUnderRunc } from '../support/runc.js';
import { makeWorld } from '../support/world.js';

// Needs root and Debian's package runc. `npm run test:long` requests it.
const isRequested = process.env['CLEAN_ROOM_LONG_TESTS'] === '1';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const closable of open.splice(0)) await closable.close();
});

/** Starts an attempt of the kernel image under runc. */
async function start(...cells: readonly string[]) {
  const issuedAt = new Date(Math.floor(Date.now() / 1000) * 1000);
  const files = { 'notebook.ipynb': notebook(...cells) };
  const world = await makeWorld({ machine: { issuedAt }, files });
  const server = await JobServer.open(world);
  const launcher = await LauncherServer.open(() => ({ ...world.machine, issuedAt: new Date() }));
  const container = await startUnderRunc(world, server.address, launcher.folder);
  open.push(server, launcher, { close: () => container.remove() });
  return { world, server, launcher, container };
}

(isRequested ? describe : describe.skip)(
  'the kernel image under runc, with the launcher’s specification',
  () => {
    test('passes its probe, opens the data and delivers a result', async () => {
      const attempt = await start('import os\nos.listdir("/data/hospital/visits")', 'print(6 * 7)');
      const ended = await attempt.container.ended;
      expect(ended).toEqual({ code: 0, stdout: '', stderr: '' });
      const { statement } = await results({ ...attempt, ended, left: [] });
      expect(statement.predicate.sandbox.profile).toBe('second-uid');
      expect(statement.predicate.cells.map(({ status }) => status)).toEqual(['ok', 'ok']);
    });

    test('ends as preempted at SIGTERM, and leaves no data behind', async () => {
      const { server, container } = await start('while True: pass');
      for (let waits = 0; waits < 3000 && !server.progress.some(({ phase }) => phase === 'running'); waits++)
        await delay(20);
      await container.signal('SIGTERM');
      expect(await container.ended).toEqual({ code: 1, stdout: '', stderr: '' });
      expect(server.progress.at(-1)).toEqual({ phase: 'stopped', reason: 'preempted' });
      for (const folder of ['data', 'nb', 'tmp', 'dev/shm'])
        expect(await readdir(join(container.changes, 'jail', folder)).catch(() => [])).toEqual([]);
    });
  }
);

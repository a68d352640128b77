import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { JobProgress } from '@clean-room/protocol/jobs';
import { closeAll, notebook, run } from '../support/attempt.js';
import { PROFILES } from '../support/container.js';
import type { JobServer } from '../support/job-server.js';

afterEach(closeAll);

/** Returns the number of the supervisor's process, or undefined if none runs this job. */
async function supervisorOf(job: string): Promise<number | undefined> {
  for (const pid of (await readdir('/proc')).filter(name => /^\d+$/.test(name))) {
    const read = (name: string) => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '');
    const [command, environment] = [await read('cmdline'), await read('environ')];
    if (command.startsWith('/usr/lib/clean-room/node\0') && environment.includes(`=${job}\0`))
      return Number(pid);
  }
  return undefined;
}

/** Sends SIGTERM, as the launcher does, when the server has seen enough. Returns when the signal was sent. */
async function stopWhen(server: JobServer, isTime: () => boolean): Promise<number> {
  for (let waited = 0; waited < 60_000 && !isTime(); waited += 20) await delay(20);
  const pid = await supervisorOf(server.address);
  if (pid === undefined) throw new Error('The supervisor is not running.');
  process.kill(pid, 'SIGTERM');
  return performance.now();
}

const inPhase = (phase: JobProgress['phase'], server: JobServer) =>
  server.progress.some(update => update.phase === phase);

/** Returns the files in the jail. overlayfs records the removed folder of the parameters as an entry with its name. */
const inJail = (left: readonly string[]) =>
  left.filter(path => path.startsWith('/jail/') && path !== '/jail/clean-room');

describe.each(PROFILES)('a machine that is switched off, in the profile %s', profile => {
  const MOMENTS: Record<string, (server: JobServer) => boolean> = {
    'while a cell runs that ignores interrupts': server => inPhase('running', server),
    'while it waits for keys': server => inPhase('awaiting-keys', server) && server.messages.length > 0,
    'while the results are delivered': server => (server.calls.get('POST /results') ?? 0) > 0
  };

  test.each(Object.keys(MOMENTS))('%s', async moment => {
    let sent: Promise<number> | undefined;
    const isTime = MOMENTS[moment] ?? (() => false);
    const busy = 'import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass';
    const files = { 'notebook.ipynb': notebook(moment.startsWith('while a cell') ? busy : '1') };
    const finished = await run(profile, { files }, server => {
      if (moment.endsWith('keys')) server.reply = () => Promise.resolve(undefined);
      server.failures.set(
        'POST /results',
        Array.from({ length: 100 }, () => 503)
      );
      sent = stopWhen(server, () => isTime(server));
    });
    const took = performance.now() - ((await sent) ?? Infinity);
    expect(finished.ended).toEqual({ code: 1, stdout: '', stderr: '' });
    expect(finished.server.progress.at(-1)).toEqual({ phase: 'stopped', reason: 'preempted' });
    expect(finished.server.result).toBeUndefined();
    expect(inJail(finished.left)).toEqual([]);
    // Two steps of two seconds each, and time for processes to end on a busy machine.
    expect(took).toBeLessThan(6000);
  });

  test('ends although the coordinator cannot be reached', async () => {
    let sent: Promise<number> | undefined;
    const files = { 'notebook.ipynb': notebook('while True: pass') };
    const finished = await run(profile, { files }, server => {
      sent = stopWhen(server, () => inPhase('running', server)).then(at => {
        server.failures.set(
          'POST /progress',
          Array.from({ length: 100 }, () => 0)
        );
        return at;
      });
    });
    const took = performance.now() - ((await sent) ?? Infinity);
    expect(finished.ended).toEqual({ code: 1, stdout: '', stderr: '' });
    expect(inJail(finished.left)).toEqual([]);
    expect(took).toBeLessThan(6000);
  });
});

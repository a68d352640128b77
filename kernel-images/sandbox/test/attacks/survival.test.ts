import { runNotebook, shown } from '../support/container.js';
import { PROFILES } from '../support/emulation.js';
import { NATIVE } from './native.js';

/** Starts a process in its own session that ignores every signal it can ignore and writes to a file forever. */
const DAEMON = `
def beat(path):
    while True:
        with open(path, "ab") as beats:
            beats.write(b".")
        time.sleep(0.005)
def daemon(path, disturb=lambda: None):
    if os.fork() == 0:
        os.setsid()
        if os.fork() != 0:
            os._exit(0)
        for number in range(1, 65):
            try:
                signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError):
                pass
        for fd in range(5):
            os.close(fd)
        disturb()
        beat(path)
    os.wait()
    while not os.path.exists(path):
        time.sleep(0.01)
`;

describe.each(PROFILES)('a process in %s that tries to outlive the run', profile => {
  const beats = '/jail/nb/beats';

  it('ends with the run although it is a daemon that ignores signals', async () => {
    const run = await runNotebook(profile, {
      cells: [`${NATIVE}${DAEMON}\ndaemon("/nb/beats")\nprint("started")`],
      watched: [beats]
    });
    expect(shown(run)).toContain('started');
    const [heartbeat] = run.watched;
    expect(heartbeat?.before).toBeGreaterThan(0);
    expect(heartbeat?.after).toBe(heartbeat?.before);
  });

  it('ends with the run although it stops and kills every process it can reach', async () => {
    const run = await runNotebook(profile, {
      cells: [
        `${NATIVE}${DAEMON}
def hunt():
    if os.fork() == 0:
        me, parent = os.getpid(), os.getppid()
        while True:
            for pid in range(1, 400):
                if pid in (me, parent):
                    continue
                for number in (signal.SIGSTOP, signal.SIGKILL):
                    try:
                        os.kill(pid, number)
                    except OSError:
                        pass
open("/nb/beats", "wb").write(b".")
daemon("/nb/beats", hunt)
time.sleep(20)`
      ],
      limits: { cellSeconds: 3, wallSeconds: 10 },
      watched: [beats]
    });
    const [heartbeat] = run.watched;
    expect(heartbeat?.before).toBeGreaterThan(0);
    expect(heartbeat?.after).toBe(heartbeat?.before);
  });

  it('ends with the run when the interpreter dies first', async () => {
    const run = await runNotebook(profile, {
      cells: [`${NATIVE}${DAEMON}\ndaemon("/nb/beats")\nos.kill(os.getpid(), signal.SIGKILL)`],
      watched: [beats]
    });
    expect(run.end).toMatchObject({ why: 'exit', signal: 9 });
    const [heartbeat] = run.watched;
    expect(heartbeat?.before).toBeGreaterThan(0);
    expect(heartbeat?.after).toBe(heartbeat?.before);
  });

  it('ends with the run when the warden is killed', async () => {
    const run = await runNotebook(profile, {
      cells: [`${NATIVE}${DAEMON}\ndaemon("/nb/beats")\ntime.sleep(30)`],
      watched: [beats],
      killWardenAfterMs: 2500
    });
    expect(run.end.why).toBe('warden-lost');
    expect(run.cells[0]?.status).toBe('ended');
    const [heartbeat] = run.watched;
    expect(heartbeat?.before).toBeGreaterThan(0);
    expect(heartbeat?.after).toBe(heartbeat?.before);
  });

  it('cannot become a sibling of the warden or leave its namespaces', async () => {
    const run = await runNotebook(profile, {
      cells: [
        `${NATIVE}
for flag in (0x8000, 0x2000, 0x10000000, 0x20000000, 0x40000000, 0x00020000, 0x02000000, 0x04000000, 0x08000000):
    def clone():
        child = kernel(56, flag | signal.SIGCHLD, 0, 0, 0, 0)
        if child == 0:
            os._exit(0)
        return child
    attempt(hex(flag), clone)
    attempt("unshare " + hex(flag), lambda: kernel(272, flag))
attempt("clone3", lambda: kernel(435, bytes(88), 88))
attempt("setns", lambda: kernel(308, 0, 0))`
      ]
    });
    expect(shown(run)).not.toContain('SUCCEEDED');
    expect(shown(run).match(/refused/g)).toHaveLength(20);
  });

  it('does not delay the end of the run when it stops itself', async () => {
    const run = await runNotebook(profile, {
      cells: [`import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)`],
      limits: { cellSeconds: 1 }
    });
    expect(run.cells[0]?.status).toBe('ended');
    expect(run.end.why).toBe('cell-time');
    expect(run.end.seconds).toBeLessThan(8);
  });
});

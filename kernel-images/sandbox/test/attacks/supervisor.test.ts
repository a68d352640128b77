import { runNotebook, SECRETS, shown } from '../support/container.js';
import { PROFILES } from '../support/emulation.js';
import { NATIVE } from './native.js';

describe.each(PROFILES)('a notebook in %s that attacks the supervisor', profile => {
  it('cannot read its environment, memory or files', async () => {
    const run = await runNotebook(profile, {
      cells: [
        `${NATIVE}
for path in ("/proc/1/environ", "/proc/self/environ", f"/proc/{os.getppid()}/mem", "/proc/1/root/supervisor-secret",
             "/supervisor-secret", "/../supervisor-secret", "/jail/etc/passwd", "/usr/lib/clean-room/supervisor.js",
             "/run/driver.mjs", "/usr/lib/clean-room/policy.bpf", "/sys/kernel", "/dev/mem", "/dev/kmsg"):
    for way in (path, path[1:], "../" * 20 + path[1:]):
        attempt(way, lambda: open(way, "rb").read(100))
    attempt(f"held {path}", lambda: from_held_folder(lambda: open(path[1:], "rb").read(100)))
buffer = ctypes.create_string_buffer(64)
local = struct.pack("PL", ctypes.addressof(buffer), 64)
for pid in (1, 2, 3, os.getppid()):
    attempt(f"vm read {pid}", lambda: kernel(310, pid, local, 1, struct.pack("PL", 0x400000, 64), 1, 0))
    attempt(f"vm write {pid}", lambda: kernel(311, pid, local, 1, struct.pack("PL", 0x400000, 64), 1, 0))
    attempt(f"attach {pid}", lambda: kernel(101, 16, pid, 0, 0))
    attempt(f"seize {pid}", lambda: kernel(101, 0x4206, pid, 0, 0))
    attempt(f"pidfd {pid}", lambda: kernel(434, pid, 0))
    attempt(f"limits {pid}", lambda: kernel(302, pid, 7, struct.pack("LL", 3, 3), None))
    attempt(f"priority {pid}", lambda: os.setpriority(os.PRIO_PROCESS, pid, 19))
print(dict(os.environ))`
      ]
    });
    const text = shown(run);
    expect(text).not.toContain('SUCCEEDED');
    expect(text.match(/refused/g)).toHaveLength(4 * 13 + 28);
    for (const secret of Object.values(SECRETS)) expect(text).not.toContain(secret);
    expect(run.cells[0]?.status).toBe('ok');
  });

  it('cannot stop or kill it or the warden', async () => {
    const run = await runNotebook(profile, {
      cells: [
        `${NATIVE}
import threading
own = {os.getpid(), *(thread.native_id for thread in threading.enumerate())}
for pid in set(range(1, os.getpid() + 50)) - own:
    for number in (signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM, signal.SIGINT):
        try:
            os.kill(pid, number)
        except OSError:
            pass
try:
    os.kill(-1, signal.SIGKILL)
except OSError:
    pass
print("still here")`,
        `print("the next cell runs")`
      ],
      limits: { wallSeconds: 20 }
    });
    expect(run.end.why).toBe('closed');
    expect(shown(run)).toContain('the next cell runs');
  });

  it('cannot regain privileges', async () => {
    const run = await runNotebook(profile, {
      cells: [
        `${NATIVE}
attempt("root", lambda: os.setuid(0))
attempt("killer", lambda: os.setresuid(10002, 10001, 10002))
attempt("groups", lambda: os.setgroups([0]))
attempt("capset", lambda: kernel(126, struct.pack("=Ii", 0x20080522, 0), struct.pack("=6I", *[0xffffffff] * 6)))
attempt("ambient", lambda: kernel(157, 47, 2, 21, 0, 0))
attempt("keep", lambda: kernel(157, 8, 1, 0, 0, 0))
attempt("setuid bit", lambda: (open("/nb/s", "w").close(), os.chown("/nb/s", 0, 0), os.chmod("/nb/s", 0o4755)))
attempt("node", lambda: os.mknod("/nb/mem", 0o20600, os.makedev(1, 1)))
attempt("limits", lambda: __import__("resource").setrlimit(7, (4096, 4096)))
attempt("filter off", lambda: kernel(157, 22, 0, 0, 0, 0))
attempt("x32", lambda: None if os.waitpid(os.spawnv(os.P_NOWAIT, sys.executable, [sys.executable, "-c",
    "import ctypes; ctypes.CDLL(None).syscall(ctypes.c_long(0x40000000 | 41), 2, 1, 0)"]), 0)[1] == 0 else 1 / 0)
print(os.getresuid(), os.getresgid())`
      ]
    });
    const text = shown(run);
    expect(text).not.toContain('SUCCEEDED');
    expect(text.match(/refused/g)).toHaveLength(11);
    expect(text).toContain('(10001, 10001, 10001) (10001, 10001, 10001)');
  });
});

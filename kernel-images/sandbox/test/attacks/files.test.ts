import { runNotebook, shown } from '../support/container.js';
import { PROFILES } from '../support/emulation.js';
import { NATIVE } from './native.js';

describe.each(PROFILES)('a notebook in %s that attacks the file system', profile => {
  it('cannot write outside its folders', async () => {
    const run = await runNotebook(profile, {
      cells: [
        `${NATIVE}
for folder in ("/", "/usr", "/usr/bin", "/etc", "/dev", "/data", "/run", "/proc", "/sys", "/root", "/var", "/usr/lib/clean-room",
               "/usr/lib/clean-room/executor", "/usr/lib/python3.11"):
    attempt("create " + folder, lambda: open(folder + "/attack", "w"))
    attempt("mkdir " + folder, lambda: os.mkdir(folder + "/attack-folder"))
    attempt("rename " + folder, lambda: (open("/nb/mine", "w").close(), os.rename("/nb/mine", folder + "/attack")))
ours = "/usr/lib/clean-room/executor/session.py"
attempt("append", lambda: open(ours, "ab"))
attempt("truncate", lambda: os.truncate(ours, 0))
attempt("unlink", lambda: os.unlink(ours))
attempt("chmod", lambda: os.chmod(ours, 0o777))
attempt("replace", lambda: os.rename(ours, "/nb/session.py"))
attempt("through a link", lambda: (os.symlink(ours, "/nb/link"), open("/nb/link", "ab")))
attempt("hard link", lambda: (os.link(ours, "/nb/hard"), open("/nb/hard", "ab").write(b"# attack")))
attempt("passwd", lambda: open("/etc/passwd", "a").write("root2::0:0::/:/bin/sh"))
attempt("times", lambda: os.utime(ours, (0, 0)))`
      ]
    });
    expect(shown(run)).not.toContain('SUCCEEDED');
    expect(shown(run).match(/refused/g)).toHaveLength(14 * 3 + 9);
    expect(run.changed).toEqual([]);
  });

  it('cannot leave the jail', async () => {
    const run = await runNotebook(profile, {
      cells: [
        `${NATIVE}
def held_descriptors():
    found = []
    for fd in range(0, 1024):
        try:
            os.fchdir(fd)
            found.append(fd)
        except OSError:
            pass
    return found or 1 / 0
attempt("held folders", held_descriptors)
def outside():
    return [name for name in os.listdir(".") if name in ("jail", "supervisor-secret")]
def up():
    for _ in range(60):
        os.chdir("..")
    return outside() or 1 / 0
attempt("up", up)
def second_chroot():
    os.makedirs("/nb/deep", exist_ok=True)
    held = os.open("/", os.O_RDONLY)
    os.chroot("/nb/deep")
    os.fchdir(held)
    return up()
attempt("second chroot", second_chroot)
def race():
    os.makedirs("/nb/a/b/c", exist_ok=True)
    held = os.open("/nb/a/b/c", os.O_RDONLY)
    os.rename("/nb/a/b/c", "/tmp/c") if os.stat("/nb").st_dev == os.stat("/tmp").st_dev else None
    os.fchdir(held)
    return up()
attempt("moved folder", race)
attempt("user namespace", lambda: kernel(272, 0x10000000))
attempt("mount", lambda: kernel(165, b"proc", b"/nb", b"proc", 0, None))
attempt("pivot", lambda: kernel(155, b"/nb", b"/nb"))
attempt("detached tree", lambda: kernel(428, -100, b"/", 1))
attempt("handle", lambda: kernel(304, os.open("/", os.O_RDONLY), struct.pack("=IiQ", 8, 1, 2) + bytes(8), 0))
attempt("handle of", lambda: kernel(303, -100, b"/", struct.pack("=Ii", 128, 0) + bytes(128), ctypes.create_string_buffer(8), 0))
attempt("devices", lambda: [n for n in os.listdir("/dev") if n not in ("null", "zero", "full", "random", "urandom", "shm")][0])`
      ]
    });
    expect(shown(run)).not.toContain('SUCCEEDED');
    expect(shown(run).match(/refused/g)).toHaveLength(11);
  });

  it('cannot replace our modules with files of the same name', async () => {
    const modules = [
      ...['json', 'asyncio', 'socket', 'signal', 'IPython', 'traitlets', 'numpy', 'comm', 'jedi', 'sqlite3'],
      ...['clean_room', 'clean_room_executor', 'executor', 'session', 'channel', 'conftest', 'antigravity'],
      ...['sitecustomize', 'usercustomize', 'site', 'encodings', 'ipython_config', 'jupyter_config']
    ];
    const ipythonProfile = '.ipython/profile_default';
    const userSite = '.local/lib/python3.11/site-packages';
    const evil = `import os\nos.write(1, b"shadowed by " + __name__.encode())\n`;
    const names = [
      ...modules.flatMap(name => [`${name}.py`, `${name}/__init__.py`, `${name}/__main__.py`]),
      ...['__init__.py', '__main__.py', '.pythonrc.py', '.jupyter/jupyter_config.py'],
      ...[
        `${ipythonProfile}/startup/00-shadow.py`,
        `${ipythonProfile}/ipython_config.py`,
        `${ipythonProfile}/ipython_kernel_config.py`
      ],
      ...[`${userSite}/usercustomize.py`, `${userSite}/sitecustomize.py`, `${userSite}/IPython/__init__.py`]
    ];
    const settings = {
      [`/nb/${userSite}/shadow.pth`]: 'import os; os.write(1, b"shadowed by pth")\n',
      '/nb/shadow.pth': 'import os; os.write(1, b"shadowed by pth")\n',
      '/nb/pyvenv.cfg': 'home = /nb\n',
      '/nb/pip.conf': '[global]\nindex-url = http://127.0.0.1/\n',
      '/nb/.config/pip/pip.conf': '[global]\nindex-url = http://127.0.0.1/\n',
      '/nb/.bashrc': 'echo shadowed by bashrc',
      '/nb/.profile': 'echo shadowed by profile',
      '/nb/python3': '#!/bin/sh\necho shadowed by python3',
      '/nb/bash': '#!/bin/sh\necho shadowed by bash'
    };
    const run = await runNotebook(profile, {
      cells: [
        `import sys
[name for name, module in sys.modules.items() if str(getattr(module, "__file__", "") or "").startswith("/nb")]`,
        `import clean_room
clean_room.__file__.startswith("/usr/local/lib/")`,
        `print("alive", 1 + 1)\n6 * 7`,
        `!python3 -I --version`,
        `display({"text/plain": "shown"}, raw=True)`
      ],
      files: { ...Object.fromEntries(names.map(name => [`/nb/${name}`, evil])), ...settings }
    });
    expect(shown(run)).not.toContain('shadowed');
    expect(run.cells.map(cell => cell.status)).toEqual(['ok', 'ok', 'ok', 'ok', 'ok']);
    expect(run.cells.slice(0, 3).map(cell => cell.outputs)).toEqual([
      [{ type: 'execute_result', data: { 'text/plain': '[]' }, metadata: {} }],
      [{ type: 'execute_result', data: { 'text/plain': 'True' }, metadata: {} }],
      [
        { type: 'stream', name: 'stdout', text: 'alive 2\n' },
        { type: 'execute_result', data: { 'text/plain': '42' }, metadata: {} }
      ]
    ]);
  });
});

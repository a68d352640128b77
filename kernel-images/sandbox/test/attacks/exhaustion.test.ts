import { runNotebook, shown } from '../support/container.js';
import { PROFILES } from '../support/emulation.js';
import { NATIVE } from './native.js';

const MIB = 1024 ** 2;

describe.each(PROFILES)('a notebook in %s that exceeds its limits', profile => {
  it('is stopped when its files fill the disk', async () => {
    const { end } = await runNotebook(profile, {
      cells: [
        `import os
for number in range(1000):
    with open(f"/nb/{number}", "wb") as file:
        file.write(os.urandom(${MIB}) * 64)`
      ]
    });
    expect(end.why).toBe('disk');
    expect(end.seconds).toBeLessThan(30);
  });

  it('is stopped when open but deleted files fill the disk', async () => {
    const { end } = await runNotebook(profile, {
      cells: [
        `import os, time
held = []
for number in range(100):
    held.append(os.open(f"/tmp/x", os.O_CREAT | os.O_RDWR))
    os.unlink("/tmp/x")
    os.posix_fallocate(held[-1], 0, ${64 * MIB})
time.sleep(30)`
      ]
    });
    expect(end.why).toBe('disk');
  });

  it('is stopped when it creates too many files', async () => {
    const { end } = await runNotebook(profile, {
      cells: [`for number in range(10**6): open(f"/nb/{number}", "w").close()`]
    });
    expect(end.why).toBe('inodes');
  });

  it('gets an error when one file or one process grows too large', async () => {
    const run = await runNotebook(profile, {
      cells: [
        `import os
fd = os.open("/nb/sparse", os.O_CREAT | os.O_WRONLY)
os.lseek(fd, 10**10, 0)
try:
    os.write(fd, b"x")
except OSError as error:
    print("refused", error)`,
        `x = bytearray(3 * 1024**3)`,
        `print("still here")`
      ]
    });
    expect(shown(run)).toContain('refused [Errno 27]');
    expect(shown(run)).toContain('MemoryError');
    expect(shown(run)).toContain('still here');
  });

  it('is stopped when its processes together use too much memory', async () => {
    const { end } = await runNotebook(profile, {
      cells: [
        `import os, time
for _ in range(8):
    if os.fork() == 0:
        held = bytearray(os.urandom(${MIB})) * 512
        time.sleep(60)
time.sleep(60)`
      ],
      limits: { memoryBytes: 1024 * MIB }
    });
    expect(end.why).toBe('memory');
    expect(end.seconds).toBeLessThan(20);
  });

  it('is stopped when it uses too much shared memory', async () => {
    const { end } = await runNotebook(profile, {
      cells: [
        `import mmap, time
held = []
for _ in range(6):
    area = mmap.mmap(-1, ${512 * MIB})
    for page in range(0, len(area), 4096):
        area[page] = 1
    held.append(area)
time.sleep(60)`
      ],
      limits: { memoryBytes: 1024 * MIB }
    });
    expect(end.why).toBe('memory');
  });

  it('reaches its own process limit before the limit of the machine', async () => {
    const run = await runNotebook(profile, {
      cells: [
        `${NATIVE}
made = 0
try:
    while made < 5000:
        if os.fork() == 0:
            os.setsid()
            time.sleep(100)
        made += 1
except OSError as error:
    print("refused", error.errno == errno.EAGAIN, made < 200)`,
        `print("still here")`
      ]
    });
    expect(shown(run)).toContain('refused True True');
    expect(shown(run)).toContain('still here');
  });

  it('is stopped with all processes of a fork bomb when its time is over', async () => {
    const { end } = await runNotebook(profile, {
      cells: [
        `import os
while True:
    try:
        if os.fork() == 0:
            os.setsid()
    except OSError:
        pass`
      ],
      limits: { cellSeconds: 2 }
    });
    expect(['cell-time', 'protocol', 'memory']).toContain(end.why);
    expect(end.seconds).toBeLessThan(15);
  });

  it('reaches its own limit of file descriptors without affecting the supervisor', async () => {
    const run = await runNotebook(profile, {
      cells: [
        `${NATIVE}
held = []
try:
    while True:
        held.append(os.open("/dev/null", os.O_RDONLY))
except OSError as error:
    print("refused", error.errno == errno.EMFILE, len(held) < 1024)
for fd in held: os.close(fd)`
      ]
    });
    expect(shown(run)).toContain('refused True True');
  });

  it('is stopped when it exceeds the time limit of the run', async () => {
    const { end } = await runNotebook(profile, {
      cells: [`import time; time.sleep(60)`],
      limits: { wallSeconds: 2 }
    });
    expect(end.why).toBe('wall');
    expect(end.seconds).toBeLessThan(5);
  });

  it('is interrupted when a cell exceeds its time limit, and keeps its variables', async () => {
    const run = await runNotebook(profile, {
      cells: [`import time; kept = 5; time.sleep(60)`, `await __import__("asyncio").sleep(60)`, `kept`],
      limits: { cellSeconds: 1 }
    });
    expect(run.cells.map(cell => cell.status)).toEqual(['interrupted', 'interrupted', 'ok']);
    expect(run.cells[0]?.outputs.at(-1)).toMatchObject({ type: 'error', ename: 'KeyboardInterrupt' });
    expect(run.cells[1]?.outputs.at(-1)).toMatchObject({ type: 'error', ename: 'KeyboardInterrupt' });
  });

  it.each([
    ['prints forever', `while True: print("x" * 1000)`],
    ['floods the raw output pipes', `import os\nwhile True: os.write(1, b"x" * 65536)`],
    ['displays forever', `while True: display({"text/plain": "x"}, raw=True)`],
    ['updates a display forever', `h = display(1, display_id="a")\nwhile True: h.update("x" * 10**6)`],
    [
      'starts a child process that floods the output',
      `import subprocess\nsubprocess.run(["/usr/bin/cat", "/dev/zero"])`
    ]
  ])('is stopped when it %s', async (_, source) => {
    const { end } = await runNotebook(profile, { cells: [source] });
    expect(end.why).toBe('output');
    expect(end.seconds).toBeLessThan(30);
  });
});

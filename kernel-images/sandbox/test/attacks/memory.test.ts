import { runNotebook, SECRETS, shown } from '../support/container.js';
import { PROFILES } from '../support/emulation.js';
import { NATIVE } from './native.js';

describe.each(PROFILES)('a notebook in %s that reads the memory of other processes', profile => {
  it('is refused, even after it tried to become root', async () => {
    const run = await runNotebook(profile, {
      cells: [
        `${NATIVE}
def as_root(step):
    """Returns the bytes that a step returns in a child process that tried to become root."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setresgid(0, 0, 0)
            os.setresuid(0, 0, 0)
            os.write(theirs, step())
        finally:
            os._exit(0)
    os.close(theirs)
    os.waitpid(child, 0)
    with os.fdopen(ours, "rb") as output:
        return output.read() or 1 / 0
def read(pid, address):
    buffer = ctypes.create_string_buffer(4096)
    local = struct.pack("PL", ctypes.addressof(buffer), 4096)
    kernel(310, pid, local, 1, struct.pack("PL", address, 4096), 1, 0)
    return buffer.raw[:8]
def seize(pid):
    kernel(101, 0x4206, pid, 0, 0)
    return b"seized"
def memory(pid):
    with open(f"/proc/{pid}/mem", "rb") as file:
        file.seek(0x400000)
        return file.read(8)
for pid in (1, os.getppid()):
    for address in (0x400000, 0x1000000):
        attempt(f"read {pid} {address:x}", lambda: read(pid, address))
        attempt(f"read {pid} {address:x} as root", lambda: as_root(lambda: read(pid, address)))
    attempt(f"seize {pid}", lambda: as_root(lambda: seize(pid)))
    attempt(f"mem {pid}", lambda: as_root(lambda: memory(pid)))`
      ]
    });
    const text = shown(run);
    expect(text).not.toContain('SUCCEEDED');
    expect(text.match(/refused/g)).toHaveLength(2 * 6);
    for (const secret of Object.values(SECRETS)) expect(text).not.toContain(secret);
  });
});

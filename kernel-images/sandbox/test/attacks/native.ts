/**
 * What an attacker has at hand in a cell: the kernel's calls by number, past all of Python's own guards. `attempt` prints
 * what came of a try, so that a test can tell "refused" from "did not even run".
 */
export const NATIVE = `
import ctypes, errno, os, signal, socket, struct, sys, time
_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
def kernel(number, *words):
    words = [ctypes.c_long(w) if isinstance(w, int) else w for w in words]
    ctypes.set_errno(0)
    result = _libc.syscall(ctypes.c_long(number), *words)
    if result == -1:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
def attempt(name, step):
    try:
        print(f"{name}: SUCCEEDED {step()!r}")
    except BaseException as error:
        print(f"{name}: refused {type(error).__name__} {error}")
def from_held_folder(step):
    for fd in range(3, 1024):
        try:
            os.fchdir(fd)
        except OSError:
            continue
        try:
            return step()
        finally:
            os.chdir("/nb")
    raise OSError("no descriptor of a folder was left open")
def unix(path): return struct.pack("=H", 1) + path
def inet(host, port): return struct.pack("=H", 2) + struct.pack("!H", port) + socket.inet_aton(host) + bytes(8)
`;

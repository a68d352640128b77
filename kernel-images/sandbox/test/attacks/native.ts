/**
 * Python functions that an attacker could write in a cell. `kernel` makes a system call by its number, without the
 * checks of Python's own functions. `attempt` prints the result of a step, so that a test can distinguish a refused
 * step from one that never ran. `from_held_folder` runs a step in the folder of an inherited descriptor, if there is
 * one.
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

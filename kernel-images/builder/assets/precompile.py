"""Compiles Python sources to byte code whose bytes depend only on the sources and this interpreter.

Reads a request as JSON from standard input: {"root": ..., "inside": ..., "paths": [...]}. Each path is that of a source
below `root`; in the image it is below `inside`. Writes the results as JSON lines: {"path": ..., "compiled": bool}.

Marshalled byte code marks objects with several references, so its bytes depend on what the process did before. Each
file is therefore compiled in a fork of a process whose state does not change.
"""

import gc
import importlib.util
import json
import marshal
import os
import sys
import warnings


def compile_one(root, inside, path):
    """Compiles one source. Returns False if it is not valid for this Python, such as a template."""
    with open(os.path.join(root, path), "rb") as file:
        source = file.read()
    try:
        code = compile(source, os.path.join(inside, path), "exec", dont_inherit=True, optimize=-1)
    except (SyntaxError, ValueError):
        return False
    folder, name = os.path.split(path)
    cache = os.path.join(root, folder, "__pycache__")
    os.makedirs(cache, exist_ok=True)
    target = os.path.join(cache, f"{name[: -len('.py')]}.{sys.implementation.cache_tag}.pyc")
    # Flag 0b01 (PEP 552): the byte code is never checked against its source, because the image does not change.
    flags = (0b01).to_bytes(4, "little")
    with open(target, "xb") as file:
        file.write(importlib.util.MAGIC_NUMBER + flags + importlib.util.source_hash(source) + marshal.dumps(code))
    return True


def compile_in_fork(root, inside, path):
    """Calls `compile_one` in a child process and returns its result."""
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if compile_one(root, inside, path) else 3)
        except BaseException as error:
            print(f"{path}: {error!r}", file=sys.stderr, flush=True)
            os._exit(1)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status not in (0, 3):
        sys.exit(f"compiling {path} failed with status {status}")
    return status == 0


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    gc.disable()
    sys.setrecursionlimit(10_000)
    request = json.load(sys.stdin)
    for path in request["paths"]:
        compiled = compile_in_fork(request["root"], request["inside"], path)
        print(json.dumps({"path": path, "compiled": compiled}), flush=True)

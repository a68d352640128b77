"""Runs shell commands of cells (``!command``) without the terminal that IPython would open."""

import codecs
import os
import subprocess
import sys
from typing import Any

from IPython.utils.text import LSString, SList

SHELL = "/bin/sh"


def run_command(shell: Any, command: str) -> None:
    """Runs `command` and prints its output while it runs. Sets ``_exit_code``, as IPython does."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    process = subprocess.Popen(
        [SHELL, "-c", command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    try:
        while chunk := os.read(process.stdout.fileno(), 1 << 16):
            sys.stdout.write(decoder.decode(chunk))
        code = process.wait()
    except BaseException:
        process.kill()
        process.wait()
        raise
    finally:
        process.stdout.close()
    sys.stdout.write(decoder.decode(b"", final=True))
    sys.stdout.flush()
    shell.user_ns["_exit_code"] = code


def capture_command(command: str, split: bool) -> Any:
    """Returns the output of `command` as IPython's list of lines or string."""
    run = subprocess.run(
        [SHELL, "-c", command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    text = run.stdout.decode("utf-8", "replace")
    return SList(text.splitlines()) if split else LSString(text)

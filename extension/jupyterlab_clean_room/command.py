"""Runs the bundled `clean-room` command: submits, opens results, verifies receipts and downloads stand-ins.

Only the verbs of `verbs.py` can be called. Arguments are passed as an array, so no shell interprets them.
"""

import asyncio
import json
import os
from pathlib import Path

from jupyter_server.auth.decorator import authorized
from tornado import web

from .configuration import CleanRoom
from .node import command_line
from .problem import Problem, ProblemHandler
from .verbs import Call, call_for

MAX_OUTPUT_BYTES = 64 * 1024 * 1024
# The environment variables that the command gets, in addition to those that begin with CLEAN_ROOM_.
ENVIRONMENT = (
    "HOME",
    "LANG",
    "LC_ALL",
    "PATH",
    "TMPDIR",
    "TZ",
    "USER",
    "SSL_CERT_FILE",
    "NODE_EXTRA_CA_CERTS",
    "HTTPS_PROXY",
    "NO_PROXY",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
)
_running = asyncio.Semaphore(4)


class CommandHandler(ProblemHandler):
    """Handles `POST base_url/clean-room/command/<verb>`: takes JSON, responds with `{exitCode, output}`."""

    auth_resource = "clean-room"
    _process: asyncio.subprocess.Process | None = None

    @web.authenticated
    @authorized
    async def post(self, verb: str) -> None:
        call = call_for(verb, self.get_json_body(), self._root())
        if call.creates is not None:
            call.creates.mkdir(parents=True, exist_ok=True)
        async with _running:
            code, out, err = await self._run(call)
        self._answer(code, out, err)

    def on_connection_close(self) -> None:
        super().on_connection_close()
        self._stop()

    def _root(self) -> Path | None:
        root = getattr(self.contents_manager, "root_dir", "")
        return Path(root) if root else None

    def _environment(self, configuration: CleanRoom) -> dict[str, str]:
        """Return the command's environment. The server's own contains Jupyter's credentials, so only parts are kept."""
        kept = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
        kept |= {name: value for name, value in os.environ.items() if name.startswith("CLEAN_ROOM_")}
        kept["CLEAN_ROOM_URL"] = configuration.origin()
        credential = configuration.credential()
        if credential is not None:
            kept["CLEAN_ROOM_TOKEN"] = credential
        return kept

    async def _run(self, call: Call) -> tuple[int, bytes, bytes]:
        configuration: CleanRoom = self.settings["clean_room"]
        self._process = await asyncio.create_subprocess_exec(
            *await command_line(),
            *call.arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self._environment(configuration),
            # Not the workspace: there, the command could read files that the call does not name.
            cwd=Path(__file__).parent,
        )
        try:
            work = asyncio.gather(
                self._feed(self._process, call.stdin),
                self._drain(self._process.stdout),
                self._drain(self._process.stderr),
                self._process.wait(),
            )
            _, out, err, code = await asyncio.wait_for(work, configuration.command_timeout)
        except asyncio.TimeoutError as cause:
            raise Problem(
                503,
                "unavailable",
                "The clean-room command took too long and was stopped.",
                "Check whether the operation took effect, then try again.",
            ) from cause
        finally:
            self._stop()
            await self._process.wait()
        return code, out, err

    @staticmethod
    async def _feed(process: asyncio.subprocess.Process, data: bytes) -> None:
        if process.stdin is None:
            return
        try:
            process.stdin.write(data)
            await process.stdin.drain()
            process.stdin.close()
        except (BrokenPipeError, ConnectionResetError):
            # The command ended before it read all input. Its output says why.
            return

    @staticmethod
    async def _drain(stream: asyncio.StreamReader | None) -> bytes:
        if stream is None:
            return b""
        data = bytearray()
        while piece := await stream.read(65536):
            data += piece
            if len(data) > MAX_OUTPUT_BYTES:
                raise Problem(502, "too-large", "The output of the clean-room command is too large for this server.")
        return bytes(data)

    def _stop(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    def _answer(self, code: int, out: bytes, err: bytes) -> None:
        try:
            output = json.loads(out)
        except ValueError:
            self.log.warning(
                "Clean room: the command ended with exit code %d and without JSON: %s",
                code,
                err.decode("utf-8", "replace")[-2000:],
            )
            raise Problem(
                502,
                "internal",
                "The clean-room command ended without a result.",
                "Check whether the operation took effect, then try again. "
                "If this happens again, give the reference to the administrator of this Jupyter server.",
            ) from None
        if (
            code != 0
            and isinstance(output, dict)
            and isinstance(output.get("code"), str)
            and isinstance(output.get("message"), str)
        ):
            raise Problem(422, output["code"], output["message"], output.get("remedy"))
        self.finish(json.dumps({"exitCode": code, "output": output}))

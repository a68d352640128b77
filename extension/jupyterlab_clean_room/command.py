"""The bundled `clean-room` command, for what needs the person's own key: sign, open, verify.

A fixed list of verbs, each with its own check of what may go into the command's arguments. Arguments are an array from
beginning to end: no shell ever reads them. Larger things go through standard input.
"""

import asyncio
import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado import web

from .configuration import CleanRoom
from .node import command_line
from .problem import Problem, ProblemHandler

MAX_OUTPUT = 64 * 1024 * 1024
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
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_ASSET = re.compile(r"[a-z0-9][a-z0-9-]{0,38}/[a-z0-9][a-z0-9_-]{0,62}")
_running = asyncio.Semaphore(4)


@dataclass(frozen=True)
class Call:
    """One start of the command: arguments after the verb, and what it reads."""

    arguments: list[str]
    stdin: bytes = b""
    folder: Path | None = field(default=None)


def _text(body: dict[str, Any], name: str, pattern: re.Pattern[str]) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise Problem(400, "malformed", f"“{name}” is missing or not of its form.")
    return value


def _closed(body: dict[str, Any], *names: str) -> None:
    unknown = sorted(set(body) - set(names))
    if unknown:
        raise Problem(400, "malformed", f"“{unknown[0]}” is not a field of this command.")


def _submit(body: dict[str, Any], _: Path | None) -> Call:
    """Check a previewed spec against what was asked for, and sign it: `{spec, image, asked}` on standard input."""
    _closed(body, "spec", "image", "asked")
    if (
        not isinstance(body.get("spec"), str)
        or not isinstance(body.get("image"), str)
        or not isinstance(body.get("asked"), dict)
    ):
        raise Problem(400, "malformed", "A submission to sign needs “spec”, “image” and “asked”.")
    return Call(["sign-submission", "--json"], json.dumps(body).encode())


def _results(body: dict[str, Any], root: Path | None) -> Call:
    """Open a run's outputs into a folder of the workspace."""
    _closed(body, "run", "to")
    run = _text(body, "run", _IDENTIFIER)
    folder = _workspace_folder(body.get("to"), root)
    return Call(["results", run, "--to", str(folder), "--json"], folder=folder)


def _verify(body: dict[str, Any], _: Path | None) -> Call:
    """Verify a receipt, given as text."""
    _closed(body, "receipt")
    receipt = body.get("receipt")
    if not isinstance(receipt, str) or not receipt:
        raise Problem(400, "malformed", "There is no receipt to verify.")
    return Call(["verify", "-", "--json"], receipt.encode())


def _stand_ins(body: dict[str, Any], _: Path | None) -> Call:
    """Fetch signed stand-ins into the local cache that kernels read."""
    _closed(body, "datasets")
    names = body.get("datasets")
    if (
        not isinstance(names, list)
        or len(names) > 64
        or not all(isinstance(n, str) and _ASSET.fullmatch(n) for n in names)
    ):
        raise Problem(400, "malformed", "“datasets” is not a list of dataset names.")
    return Call(["stand-ins", *names, "--json"])


VERBS: dict[str, Callable[[dict[str, Any], Path | None], Call]] = {
    "submit": _submit,
    "results": _results,
    "verify": _verify,
    "stand-ins": _stand_ins,
}


def _workspace_folder(name: Any, root: Path | None) -> Path:
    """The folder `name` below the workspace's root, links resolved. Raises Problem for anything outside it."""
    if root is None:
        raise Problem(
            503,
            "unavailable",
            "This Jupyter server keeps its files elsewhere; outputs can't be opened into it.",
        )
    if not isinstance(name, str) or not name or "\0" in name or len(name) > 4096:
        raise Problem(400, "malformed", "“to” is not a folder of the workspace.")
    top = root.resolve()
    folder = (top / name).resolve()
    if folder == top or not folder.is_relative_to(top):
        raise Problem(400, "malformed", "“to” is not a folder of the workspace.")
    return folder


class CommandHandler(ProblemHandler):
    """`POST base_url/clean-room/command/<verb>` with JSON in; `{exitCode, output}` out."""

    auth_resource = "clean-room"
    _process: asyncio.subprocess.Process | None = None

    @web.authenticated
    @authorized
    async def post(self, verb: str) -> None:
        build = VERBS.get(verb)
        if build is None:
            raise Problem(404, "not-found", "There is no such command.")
        body = self.get_json_body()
        if not isinstance(body, dict):
            raise Problem(400, "malformed", "The command needs a JSON object.")
        call = build(body, self._root())
        if call.folder is not None:
            call.folder.mkdir(parents=True, exist_ok=True)
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
        """What the command may know: not the rest of this server's environment, which holds Jupyter's own credentials."""
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
            cwd=call.folder,
        )
        try:
            async with asyncio.timeout(configuration.command_timeout):
                _, out, err, code = await asyncio.gather(
                    self._feed(self._process, call.stdin),
                    self._drain(self._process.stdout),
                    self._drain(self._process.stderr),
                    self._process.wait(),
                )
        except TimeoutError as cause:
            raise Problem(
                503, "unavailable", "The clean-room command took too long and was stopped.", "Try again."
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
            # The command ended without reading all; its own answer says why.
            return

    @staticmethod
    async def _drain(stream: asyncio.StreamReader | None) -> bytes:
        if stream is None:
            return b""
        data = bytearray()
        while piece := await stream.read(65536):
            data += piece
            if len(data) > MAX_OUTPUT:
                raise Problem(
                    502, "too-large", "The clean-room command answered with more than this server takes."
                )
        return bytes(data)

    def _stop(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    def _answer(self, code: int, out: bytes, err: bytes) -> None:
        try:
            output = json.loads(out)
        except ValueError:
            self.log.warning(
                "Clean room: the command ended with %d and no JSON: %s",
                code,
                err.decode("utf-8", "replace")[-2000:],
            )
            raise Problem(
                502,
                "internal",
                "The clean-room command ended without an answer. Nothing was changed by it.",
                "Try again; if it stays, give the reference to whoever runs this Jupyter server.",
            ) from None
        if (
            code != 0
            and isinstance(output, dict)
            and isinstance(output.get("code"), str)
            and isinstance(output.get("message"), str)
        ):
            raise Problem(422, output["code"], output["message"], output.get("remedy"))
        self.finish(json.dumps({"exitCode": code, "output": output}))

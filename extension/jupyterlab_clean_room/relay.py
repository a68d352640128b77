"""The browser's calls, passed on to the coordinator under this Jupyter server's own credential.

Bytes stream both ways. Headers pass by allow-list: neither Jupyter's cookies and tokens nor anything that could make
the coordinator's bytes run as a page of this origin get through.
"""

import asyncio
from collections.abc import AsyncIterator
from inspect import isawaitable
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode

import httpx
from jupyter_server.auth.decorator import authorized
from tornado import web
from tornado.http1connection import HTTP1Connection
from tornado.iostream import StreamClosedError

from .configuration import CleanRoom
from .problem import Problem, ProblemHandler

REQUEST_HEADERS = (
    "accept",
    "content-length",
    "content-type",
    "clean-room-party",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "last-event-id",
)
RESPONSE_HEADERS = (
    "cache-control",
    "content-encoding",
    "content-length",
    "content-disposition",
    "etag",
    "retry-after",
)
# What a browser would run or render keeps none of its meaning on this origin.
CONTENT_TYPES = ("application/json", "text/event-stream", "text/plain", "application/octet-stream")
# Jupyter's own: they mean nothing to the coordinator and must not reach its logs.
PRIVATE_PARAMETERS = ("token", "_xsrf", "no_track_activity")

# The event loop itself keeps tasks only weakly.
_closings: set[asyncio.Task[None]] = set()


@web.stream_request_body
class RelayHandler(ProblemHandler):
    """`base_url/clean-room/api/<path>` is `<path>` at the coordinator."""

    auth_resource = "clean-room"
    _upstream: asyncio.Task[httpx.Response] | None = None
    _answering: asyncio.Task[None] | None = None
    _body: asyncio.Queue[bytes | None] | None = None

    async def prepare(self) -> None:
        await super().prepare()
        await self._require_right()
        configuration: CleanRoom = self.settings["clean_room"]
        headers = {name: self.request.headers[name] for name in REQUEST_HEADERS if name in self.request.headers}
        headers["accept-encoding"] = "identity"
        credential = configuration.credential()
        if credential is not None:
            headers["authorization"] = f"Bearer {credential}"
        length = self.request.headers.get("content-length", "0")
        content: AsyncIterator[bytes] | None = None
        if length != "0" or "transfer-encoding" in self.request.headers:
            # Two pieces in flight: a slow coordinator slows the browser, and memory stays flat.
            self._body = asyncio.Queue(maxsize=2)
            content = self._pieces(self._body)
        else:
            # JupyterLab names a type for every call; without a body there is nothing of that type.
            headers.pop("content-type", None)
        request = configuration.client.build_request(
            self.request.method or "GET",
            configuration.origin() + self._target(),
            headers=headers,
            content=content,
        )
        self._upstream = asyncio.create_task(configuration.client.send(request, stream=True))

    async def _require_right(self) -> None:
        """The same as `authorized` on the verbs: the body, and so the call, starts before these run."""
        action = {"GET": "read"}.get(self.request.method or "", "write")
        allowed = self.current_user is not None and self.authorizer.is_authorized(
            self, self.current_user, action, self.auth_resource
        )
        if not (await allowed if isawaitable(allowed) else allowed):
            raise web.HTTPError(403)

    def _target(self) -> str:
        """Path and query as the browser sent them, still encoded. Raises Problem when they point outside the API."""
        path = "/" + self.request.path.split("/clean-room/api/", 1)[1]
        segments = unquote(path).split("/")[1:]
        if (
            segments[0] != "v1"
            or any(segment in ("", ".", "..") for segment in segments)
            or any(ord(character) < 32 or character == "\\" for character in unquote(path))
        ):
            raise Problem(404, "not-found", "The clean room has no such address.")
        # JupyterLab adds a bare number against caches; it has no value and says nothing.
        query = [(name, value) for name, value in parse_qsl(self.request.query) if name not in PRIVATE_PARAMETERS]
        return f"{path}?{urlencode(query)}" if query else path

    @staticmethod
    async def _pieces(body: asyncio.Queue[bytes | None]) -> AsyncIterator[bytes]:
        while (piece := await body.get()) is not None:
            yield piece

    async def data_received(self, chunk: bytes) -> None:
        await self._offer(chunk)

    async def _offer(self, piece: bytes | None) -> None:
        """Hand over one piece, unless the coordinator has already answered or gone: then it has no use for the rest."""
        if self._body is None or self._upstream is None:
            return
        put = asyncio.ensure_future(self._body.put(piece))
        await asyncio.wait((put, self._upstream), return_when=asyncio.FIRST_COMPLETED)
        put.cancel()

    def on_connection_close(self) -> None:
        super().on_connection_close()
        if self._answering is not None:
            self._answering.cancel()
        if self._upstream is not None:
            self._upstream.cancel()
            self._upstream.add_done_callback(self._abandon)

    @staticmethod
    def _abandon(upstream: asyncio.Task[httpx.Response]) -> None:
        """Close an answer that nobody reads, and take note of a failure that nobody asks for."""
        if not upstream.cancelled() and upstream.exception() is None:
            closing = asyncio.create_task(upstream.result().aclose())
            _closings.add(closing)
            closing.add_done_callback(_closings.discard)

    @web.authenticated
    @authorized
    async def get(self, *_: Any) -> None:
        await self._relay()

    @web.authenticated
    @authorized
    async def post(self, *_: Any) -> None:
        await self._relay()

    @web.authenticated
    @authorized
    async def put(self, *_: Any) -> None:
        await self._relay()

    @web.authenticated
    @authorized
    async def delete(self, *_: Any) -> None:
        await self._relay()

    async def _relay(self) -> None:
        self._answering = asyncio.create_task(self._answer())
        try:
            await self._answering
        except (asyncio.CancelledError, StreamClosedError):
            # The browser went away: nobody is left to answer.
            return

    async def _answer(self) -> None:
        await self._offer(None)
        response = await self._response()
        try:
            self._copy_head(response)
            await self.flush()
            async for piece in response.aiter_raw():
                self.write(piece)
                await self.flush()
        except httpx.HTTPError as cause:
            self._break_off(cause)
            return
        finally:
            await response.aclose()
        await self.finish(set_content_type=self._content_type(response))

    async def _response(self) -> httpx.Response:
        if self._upstream is None:
            raise web.HTTPError(500)
        try:
            return await self._upstream
        except httpx.HTTPError as cause:
            self.log.warning("Clean room: the coordinator can't be reached: %r", cause)
            raise Problem(
                503,
                "unavailable",
                "The clean room can't be reached from this Jupyter server. Your notebook and your runs are safe.",
                "Try again in a minute. Runs that were started go on without JupyterLab.",
            ) from cause

    def _copy_head(self, response: httpx.Response) -> None:
        if response.is_redirect:
            raise Problem(502, "unavailable", "The clean room sent this call elsewhere; it was not followed.")
        self.set_status(response.status_code)
        for name in RESPONSE_HEADERS:
            if name in response.headers:
                self.set_header(name, response.headers[name])
        self.set_header("Content-Type", self._content_type(response))
        self.set_header("Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'")
        self.set_header("X-Content-Type-Options", "nosniff")
        # Reverse proxies hold small answers back unless told; events must arrive one by one.
        self.set_header("X-Accel-Buffering", "no")

    @staticmethod
    def _content_type(response: httpx.Response) -> str:
        kind = response.headers.get("content-type", "")
        return kind if kind.split(";")[0].strip().lower() in CONTENT_TYPES else "application/octet-stream"

    def _break_off(self, cause: Exception) -> None:
        """Close the connection midway, so that the browser can't take a part of the answer for the whole."""
        self.log.warning("Clean room: the coordinator's answer broke off: %r", cause)
        if isinstance(self.request.connection, HTTP1Connection):
            self.request.connection.stream.close()

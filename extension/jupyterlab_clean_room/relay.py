"""Relays the browser's calls to the coordinator with the credential of this Jupyter server.

Bodies are streamed in both directions. Only listed headers pass: Jupyter's cookies and tokens do not reach the
coordinator, and no response of the coordinator can run as a page of this origin.
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
# Responses of any other type become application/octet-stream, so that the browser does not run or render them.
CONTENT_TYPES = ("application/json", "text/event-stream", "text/plain", "application/octet-stream")
# Jupyter's own query parameters. They must not reach the coordinator's logs.
PRIVATE_PARAMETERS = ("token", "_xsrf", "no_track_activity")

# References to running tasks. The event loop has only weak references, so a task could be deleted before it ends.
_closings: set[asyncio.Task[None]] = set()


@web.stream_request_body
class RelayHandler(ProblemHandler):
    """Relays `base_url/clean-room/api/<path>` to `<path>` at the coordinator."""

    auth_resource = "clean-room"
    _upstream: asyncio.Task[httpx.Response] | None = None
    _response_task: asyncio.Task[None] | None = None
    _body: asyncio.Queue[bytes | None] | None = None

    async def prepare(self) -> None:
        await super().prepare()
        await self._require_authorization()
        configuration: CleanRoom = self.settings["clean_room"]
        headers = {name: self.request.headers[name] for name in REQUEST_HEADERS if name in self.request.headers}
        headers["accept-encoding"] = "identity"
        credential = configuration.credential()
        if credential is not None:
            headers["authorization"] = f"Bearer {credential}"
        length = self.request.headers.get("content-length", "0")
        content: AsyncIterator[bytes] | None = None
        if length != "0" or "transfer-encoding" in self.request.headers:
            # At most two pieces wait here, so that a slow coordinator slows down the browser instead of filling memory.
            self._body = asyncio.Queue(maxsize=2)
            content = self._pieces(self._body)
        else:
            # JupyterLab sends a content type with every call, even without a body.
            headers.pop("content-type", None)
        request = configuration.client.build_request(
            self.request.method or "GET",
            configuration.origin() + self._target(),
            headers=headers,
            content=content,
        )
        self._upstream = asyncio.create_task(configuration.client.send(request, stream=True))

    async def _require_authorization(self) -> None:
        """Do the check of `authorized`. That decorator runs only after the body, when the call has already begun."""
        action = {"GET": "read"}.get(self.request.method or "", "write")
        allowed = self.current_user is not None and self.authorizer.is_authorized(
            self, self.current_user, action, self.auth_resource
        )
        if not (await allowed if isawaitable(allowed) else allowed):
            raise web.HTTPError(403)

    def _target(self) -> str:
        """Return path and query as the browser encoded them. Raises Problem if they are outside the API."""
        path = "/" + self.request.path.split("/clean-room/api/", 1)[1]
        segments = unquote(path).split("/")[1:]
        if (
            segments[0] != "v1"
            or any(segment in ("", ".", "..") for segment in segments)
            or any(ord(character) < 32 or character == "\\" for character in unquote(path))
        ):
            raise Problem(404, "not-found", "The clean room has no such address.")
        # `parse_qsl` also drops the number without a value that JupyterLab adds to avoid caches.
        query = [(name, value) for name, value in parse_qsl(self.request.query) if name not in PRIVATE_PARAMETERS]
        return f"{path}?{urlencode(query)}" if query else path

    @staticmethod
    async def _pieces(body: asyncio.Queue[bytes | None]) -> AsyncIterator[bytes]:
        while (piece := await body.get()) is not None:
            yield piece

    async def data_received(self, chunk: bytes) -> None:
        await self._pass_on(chunk)

    async def _pass_on(self, piece: bytes | None) -> None:
        """Pass on one piece of the body, unless the coordinator has already responded or closed the connection."""
        if self._body is None or self._upstream is None:
            return
        put = asyncio.ensure_future(self._body.put(piece))
        await asyncio.wait((put, self._upstream), return_when=asyncio.FIRST_COMPLETED)
        put.cancel()

    def on_connection_close(self) -> None:
        super().on_connection_close()
        if self._response_task is not None:
            self._response_task.cancel()
        if self._upstream is not None:
            self._upstream.cancel()
            self._upstream.add_done_callback(self._abandon)

    @staticmethod
    def _abandon(upstream: asyncio.Task[httpx.Response]) -> None:
        """Close a response after the browser disconnected. Its exception is read, so that asyncio does not log it."""
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
        self._response_task = asyncio.create_task(self._write_response())
        try:
            await self._response_task
        except (asyncio.CancelledError, StreamClosedError):
            # The browser closed the connection.
            return

    async def _write_response(self) -> None:
        await self._pass_on(None)
        response = await self._response()
        try:
            self._copy_head(response)
            await self.flush()
            async for piece in response.aiter_raw():
                self.write(piece)
                await self.flush()
        except httpx.HTTPError as cause:
            self._close_connection(cause)
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
            self.log.warning("Clean room: the coordinator cannot be reached: %r", cause)
            raise Problem(
                503,
                "unavailable",
                "The clean room cannot be reached from this Jupyter server. Your notebook and your runs are safe.",
                "Try again in a minute. Runs continue without JupyterLab.",
            ) from cause

    def _copy_head(self, response: httpx.Response) -> None:
        if response.is_redirect:
            raise Problem(
                502,
                "unavailable",
                "The clean room redirected this call. The redirect was not followed.",
                "Ask the administrator of this Jupyter server to check the address of the clean room.",
            )
        self.set_status(response.status_code)
        for name in RESPONSE_HEADERS:
            if name in response.headers:
                self.set_header(name, response.headers[name])
        self.set_header("Content-Type", self._content_type(response))
        self.set_header("Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'")
        self.set_header("X-Content-Type-Options", "nosniff")
        # Without this, reverse proxies can buffer events, which must arrive one by one.
        self.set_header("X-Accel-Buffering", "no")

    @staticmethod
    def _content_type(response: httpx.Response) -> str:
        kind = response.headers.get("content-type", "")
        return kind if kind.split(";")[0].strip().lower() in CONTENT_TYPES else "application/octet-stream"

    def _close_connection(self, cause: Exception) -> None:
        """Close the connection, so that the browser does not mistake a part of the response for all of it."""
        self.log.warning("Clean room: the connection to the coordinator broke during a response: %r", cause)
        if isinstance(self.request.connection, HTTP1Connection):
            self.request.connection.stream.close()

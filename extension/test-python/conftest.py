"""A real Jupyter server with the extension, and a coordinator that records the requests that it gets."""

import asyncio
from dataclasses import dataclass, field

import pytest
from tornado import web
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

pytest_plugins = ["pytest_jupyter.jupyter_server"]

CREDENTIAL = "clean-room-credential"


@dataclass
class Coordinator:
    """A coordinator that answers a few addresses and records the requests."""

    url: str = ""
    requests: list[web.RequestHandler] = field(default_factory=list)
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def last(self):
        return self.requests[-1].request


def _application(coordinator: Coordinator) -> web.Application:
    class Recorder(web.RequestHandler):
        def prepare(self):
            coordinator.requests.append(self)

    class Echo(Recorder):
        def get(self, *_):
            self.set_header("Set-Cookie", "upstream=1")
            self.set_header("Server", "hidden")
            self.set_header("ETag", '"e"')
            self.write({"uri": self.request.uri})

        def post(self, *_):
            self.set_status(201)
            self.write({"length": len(self.request.body)})

    @web.stream_request_body
    class Upload(Recorder):
        def prepare(self):
            super().prepare()
            self.size = 0

        async def data_received(self, chunk):
            self.size += len(chunk)
            await asyncio.sleep(0)

        def post(self):
            self.write({"size": self.size})

    @web.stream_request_body
    class Refuse(Recorder):
        def prepare(self):
            super().prepare()
            self.set_status(413)
            self.finish({"code": "too-large", "message": "Too large."})

        def data_received(self, chunk):
            pass

        def post(self):
            pass

    class Events(Recorder):
        async def get(self):
            self.set_header("Content-Type", "text/event-stream")
            try:
                for number in range(600):
                    self.write(f"id: {number}\nevent: run\ndata: {{}}\n\n")
                    await self.flush()
                    await asyncio.sleep(0.05)
            except Exception:
                return

        def on_connection_close(self):
            coordinator.closed.set()

    class Page(Recorder):
        def get(self):
            self.set_header("Content-Type", "text/html")
            self.write("<script>alert(1)</script>")

    class Redirect(Recorder):
        def get(self):
            self.redirect("https://elsewhere.invalid/")

    class Empty(Recorder):
        def delete(self):
            self.set_status(204)

    class Broken(Recorder):
        async def get(self):
            self.set_header("Content-Length", "1000")
            self.write("x" * 10)
            await self.flush()
            self.request.connection.stream.close()

    return web.Application(
        [
            ("/v1/upload", Upload),
            ("/v1/refuse", Refuse),
            ("/v1/events", Events),
            ("/v1/page", Page),
            ("/v1/redirect", Redirect),
            ("/v1/empty", Empty),
            ("/v1/broken", Broken),
            ("/(.*)", Echo),
        ]
    )


@pytest.fixture
def coordinator(jp_asyncio_loop):
    it = Coordinator()

    async def start():
        server = HTTPServer(_application(it), max_body_size=1 << 40)
        sockets = bind_sockets(0, "127.0.0.1")
        server.add_sockets(sockets)
        it.url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
        return server

    server = jp_asyncio_loop.run_until_complete(start())
    yield it
    server.stop()
    jp_asyncio_loop.run_until_complete(server.close_all_connections())


@pytest.fixture
def credential_file(tmp_path):
    path = tmp_path / "credential"
    path.write_text(CREDENTIAL + "\n")
    return path


@pytest.fixture
def jp_server_config(jp_server_config, coordinator, credential_file):
    return {
        **jp_server_config,
        "ServerApp": {
            "jpserver_extensions": {"jupyterlab_clean_room": True},
            "max_body_size": 1 << 40,
            "allow_unauthenticated_access": False,
        },
        "CleanRoom": {"coordinator_url": coordinator.url, "token_file": str(credential_file)},
    }


@pytest.fixture(autouse=True)
def person(tmp_path, monkeypatch):
    """An empty folder for the person's settings, so that tests do not depend on this computer's."""
    folder = tmp_path / "person"
    folder.mkdir()
    monkeypatch.setenv("CLEAN_ROOM_HOME", str(folder))
    for name in ("CLEAN_ROOM_URL", "CLEAN_ROOM_TOKEN", "CLEAN_ROOM_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def address(jp_serverapp, http_server, jp_base_url):
    """Return the full address of a path below the extension's own."""
    return lambda path: f"http://127.0.0.1:{jp_serverapp.port}{jp_base_url}clean-room/{path}"

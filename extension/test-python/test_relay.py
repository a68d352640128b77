"""Tests of the relay with a real Jupyter server and a real upstream server."""

import asyncio
import json

import httpx
import pytest
from conftest import CREDENTIAL
from tornado.httpclient import HTTPClientError


async def _problem(response: httpx.Response | HTTPClientError) -> dict:
    body = response.response.body if isinstance(response, HTTPClientError) else response.content
    return json.loads(body)


async def test_relays_calls_with_its_own_credential(jp_fetch, coordinator):
    response = await jp_fetch(
        "clean-room/api/v1/submissions",
        params={"limit": "5"},
        headers={"Cookie": "jupyter=secret", "Clean-Room-Party": "hospital", "X-Forwarded-User": "mallory"},
    )
    assert response.code == 200
    assert json.loads(response.body) == {"uri": "/v1/submissions?limit=5"}
    sent = coordinator.last.headers
    assert sent["Authorization"] == f"Bearer {CREDENTIAL}"
    assert sent["Clean-Room-Party"] == "hospital"
    assert not {"Cookie", "X-Forwarded-User", "X-Xsrftoken", "Origin", "Referer"} & {name.title() for name in sent}


async def test_sends_no_content_type_without_a_body(address, jp_auth_header, coordinator):
    async with httpx.AsyncClient() as client:
        await client.post(address("api/v1/runs"), headers={**jp_auth_header, "Content-Type": "application/json"})
        assert "Content-Type" not in coordinator.last.headers
        await client.post(address("api/v1/runs"), headers=jp_auth_header, json={})
        assert coordinator.last.headers["Content-Type"] == "application/json"


async def test_responses_have_only_listed_headers(jp_fetch):
    response = await jp_fetch("clean-room/api/v1/me")
    assert response.headers["ETag"] == '"e"'
    assert "upstream" not in "".join(response.headers.get_list("Set-Cookie"))
    assert response.headers["Server"] != "hidden"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response.headers["Content-Security-Policy"]


async def test_responses_that_a_browser_could_run_lose_their_type(jp_fetch):
    response = await jp_fetch("clean-room/api/v1/page")
    assert response.headers["Content-Type"] == "application/octet-stream"


async def test_does_not_relay_jupyters_own_parameters(address, jp_serverapp, coordinator):
    token = jp_serverapp.identity_provider.token
    query = f"?1763841234567&token={token}&_xsrf=def&no_track_activity=1&state=running"
    async with httpx.AsyncClient() as client:
        await client.get(address("api/v1/runs" + query))
    assert coordinator.last.uri == "/v1/runs?state=running"


async def test_relays_encoded_file_names_unchanged(address, jp_auth_header, coordinator):
    async with httpx.AsyncClient() as client:
        await client.get(address("api/v1/submissions/s1/files/a%20b%2Fc%C3%A9.py"), headers=jp_auth_header)
    assert coordinator.last.uri == "/v1/submissions/s1/files/a%20b%2Fc%C3%A9.py"


@pytest.mark.parametrize(
    "path",
    [
        "metrics",
        "v1/../metrics",
        "v1/%2e%2e/metrics",
        "v1//runs",
        "v1/a%5c..%5cb",
        "v1/a%0d%0ab",
        "v1/a%2f..%2fb",
        "v1%2f..%2fmetrics",
    ],
)
async def test_refuses_addresses_outside_the_api(address, jp_auth_header, coordinator, path):
    async with httpx.AsyncClient() as client:
        request = client.build_request("GET", address("api/x"), headers=jp_auth_header)
        request.url = request.url.copy_with(raw_path=request.url.raw_path.replace(b"x", path.encode()))
        response = await client.send(request)
    assert response.status_code == 404
    assert coordinator.requests == []


async def test_refuses_calls_without_authentication(jp_fetch, coordinator):
    with pytest.raises(HTTPClientError) as refused:
        await jp_fetch("clean-room/api/v1/me", headers={"Authorization": "token wrong"})
    assert refused.value.code == 403
    assert (await _problem(refused.value))["code"] == "forbidden"
    assert coordinator.requests == []


async def test_relays_nothing_of_an_upload_without_authentication(jp_fetch, coordinator):
    with pytest.raises(HTTPClientError) as refused:
        await jp_fetch(
            "clean-room/api/v1/upload",
            method="POST",
            body="x" * 1000,
            headers={"Authorization": "token wrong"},
        )
    assert refused.value.code == 403
    assert coordinator.requests == []


async def _cookies(client: httpx.AsyncClient, jp_serverapp, jp_base_url) -> dict[str, str]:
    """Log in as a browser does, so that later requests are authenticated only by cookies."""
    base = f"http://127.0.0.1:{jp_serverapp.port}{jp_base_url}"
    page = await client.get(base + "login")
    await client.post(
        base + "login",
        data={"password": jp_serverapp.identity_provider.token, "_xsrf": page.cookies["_xsrf"]},
    )
    # Any page sets the token that belongs to the new session.
    await client.get(base + "login")
    return {"X-XSRFToken": client.cookies["_xsrf"]}


async def test_refuses_a_cross_site_request(address, jp_serverapp, jp_base_url, coordinator):
    async with httpx.AsyncClient() as client:
        xsrf = await _cookies(client, jp_serverapp, jp_base_url)
        refused = await client.post(address("api/v1/submissions"), json={})
        assert refused.status_code == 403
        assert "_xsrf" in refused.json()["message"]
        assert coordinator.requests == []
        accepted = await client.post(address("api/v1/submissions"), json={}, headers=xsrf)
        assert accepted.status_code == 201
        assert "Cookie" not in coordinator.last.headers


async def test_asks_the_authorizer_before_it_relays_anything(jp_fetch, jp_serverapp, coordinator):
    class ReadOnly(type(jp_serverapp.authorizer)):
        def is_authorized(self, handler, user, action, resource):
            return resource != "clean-room" or action == "read"

    jp_serverapp.web_app.settings["authorizer"] = ReadOnly(parent=jp_serverapp)
    assert (await jp_fetch("clean-room/api/v1/me")).code == 200
    with pytest.raises(HTTPClientError) as refused:
        await jp_fetch("clean-room/api/v1/upload", method="POST", body="x")
    assert refused.value.code == 403
    assert len(coordinator.requests) == 1


async def test_relays_events_one_by_one(address, jp_auth_header, coordinator):
    loop = asyncio.get_running_loop()
    async with httpx.AsyncClient() as client:
        began = loop.time()
        headers = {**jp_auth_header, "Accept": "text/event-stream", "Last-Event-ID": "7"}
        async with client.stream("GET", address("api/v1/events"), headers=headers) as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            pieces = stream.aiter_raw()
            first = await anext(pieces)
            assert first.startswith(b"id: 0\n")
            await anext(pieces)
            # All 600 events take 30 s. Two of them in less than 5 s prove that they are not buffered.
            assert loop.time() - began < 5
        assert coordinator.last.headers["Last-Event-ID"] == "7"
        await asyncio.wait_for(coordinator.closed.wait(), 5)


async def test_streams_large_bodies(address, jp_auth_header):
    size = 64 * 1024 * 1024
    piece = b"\0" * 65536

    async def body():
        for _ in range(size // len(piece)):
            yield piece

    async with httpx.AsyncClient(timeout=60) as client:
        response = await client.post(
            address("api/v1/upload"),
            content=body(),
            headers={**jp_auth_header, "Content-Type": "application/octet-stream"},
        )
    assert response.json() == {"size": size}


async def test_an_early_refusal_ends_an_upload(address, jp_auth_header):
    async def body():
        for _ in range(200):
            yield b"\0" * 65536

    async with httpx.AsyncClient(timeout=30) as client:
        response = await client.post(address("api/v1/refuse"), content=body(), headers=jp_auth_header)
    assert response.status_code in (413, 503)
    assert response.json()["code"] in ("too-large", "unavailable")


async def test_does_not_follow_redirects(jp_fetch):
    with pytest.raises(HTTPClientError) as refused:
        await jp_fetch("clean-room/api/v1/redirect")
    assert refused.value.code == 502
    assert (await _problem(refused.value))["code"] == "unavailable"


async def test_relays_a_response_without_content(jp_fetch):
    assert (await jp_fetch("clean-room/api/v1/empty", method="DELETE")).code == 204


async def test_a_response_that_breaks_is_not_taken_as_complete(address, jp_auth_header):
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get(address("api/v1/broken"), headers=jp_auth_header)


async def test_says_that_the_coordinator_cannot_be_reached(jp_fetch, jp_serverapp):
    jp_serverapp.web_app.settings["clean_room"].coordinator_url = "http://127.0.0.1:1"
    with pytest.raises(HTTPClientError) as refused:
        await jp_fetch("clean-room/api/v1/me")
    assert refused.value.code == 503
    problem = await _problem(refused.value)
    assert problem["code"] == "unavailable"
    assert problem["message"].startswith("The clean room cannot be reached")
    assert problem["remedy"] and problem["reference"]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://coordinator.example",
        "ftp://127.0.0.1",
        "https://user:pass@host",
        "http://localhost.example",
    ],
)
async def test_sends_the_credential_only_to_safe_addresses(jp_fetch, jp_serverapp, url):
    jp_serverapp.web_app.settings["clean_room"].coordinator_url = url
    with pytest.raises(HTTPClientError) as refused:
        await jp_fetch("clean-room/api/v1/me")
    assert refused.value.code == 503
    assert "Nothing was sent" in refused.value.response.body.decode() or url == ""


async def test_reads_the_credential_for_every_call(jp_fetch, coordinator, credential_file):
    credential_file.write_text("second")
    await jp_fetch("clean-room/api/v1/me")
    assert coordinator.last.headers["Authorization"] == "Bearer second"
    credential_file.write_text("two\r\nlines: x")
    with pytest.raises(HTTPClientError) as refused:
        await jp_fetch("clean-room/api/v1/me")
    assert refused.value.code == 503
    credential_file.unlink()
    with pytest.raises(HTTPClientError) as refused:
        await jp_fetch("clean-room/api/v1/me")
    assert (await _problem(refused.value))["message"].startswith("The clean room's credential file cannot be read")
    assert len(coordinator.requests) == 1

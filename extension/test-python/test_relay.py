"""The relay against a real Jupyter server and a real upstream."""

import asyncio
import json

import httpx
import pytest
from conftest import CREDENTIAL
from tornado.httpclient import HTTPClientError


async def _problem(response: httpx.Response | HTTPClientError) -> dict:
    body = response.response.body if isinstance(response, HTTPClientError) else response.content
    return json.loads(body)


async def test_relays_under_its_own_credential(jp_fetch, coordinator):
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


async def test_a_call_without_a_body_names_no_type(address, jp_auth_header, coordinator):
    async with httpx.AsyncClient() as client:
        await client.post(address("api/v1/runs"), headers={**jp_auth_header, "Content-Type": "application/json"})
        assert "Content-Type" not in coordinator.last.headers
        await client.post(address("api/v1/runs"), headers=jp_auth_header, json={})
        assert coordinator.last.headers["Content-Type"] == "application/json"


async def test_answers_carry_listed_headers_only(jp_fetch):
    response = await jp_fetch("clean-room/api/v1/me")
    assert response.headers["ETag"] == '"e"'
    assert "upstream" not in "".join(response.headers.get_list("Set-Cookie"))
    assert response.headers["Server"] != "hidden"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response.headers["Content-Security-Policy"]


async def test_what_a_browser_could_run_loses_its_type(jp_fetch):
    response = await jp_fetch("clean-room/api/v1/page")
    assert response.headers["Content-Type"] == "application/octet-stream"


async def test_jupyters_own_parameters_stay_here(address, jp_serverapp, coordinator):
    token = jp_serverapp.identity_provider.token
    query = f"?1763841234567&token={token}&_xsrf=def&no_track_activity=1&state=running"
    async with httpx.AsyncClient() as client:
        await client.get(address("api/v1/runs" + query))
    assert coordinator.last.uri == "/v1/runs?state=running"


async def test_encoded_file_names_arrive_as_they_were(address, jp_auth_header, coordinator):
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
async def test_addresses_outside_the_api_are_refused(address, jp_auth_header, coordinator, path):
    async with httpx.AsyncClient() as client:
        request = client.build_request("GET", address("api/x"), headers=jp_auth_header)
        request.url = request.url.copy_with(raw_path=request.url.raw_path.replace(b"x", path.encode()))
        response = await client.send(request)
    assert response.status_code == 404
    assert coordinator.requests == []


async def test_needs_a_person(jp_fetch, coordinator):
    with pytest.raises(HTTPClientError) as refused:
        await jp_fetch("clean-room/api/v1/me", headers={"Authorization": "token wrong"})
    assert refused.value.code == 403
    assert (await _problem(refused.value))["code"] == "forbidden"
    assert coordinator.requests == []


async def test_an_upload_without_a_person_sends_nothing(jp_fetch, coordinator):
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
    """Log in as a browser does: cookies only from here on."""
    base = f"http://127.0.0.1:{jp_serverapp.port}{jp_base_url}"
    page = await client.get(base + "login")
    await client.post(
        base + "login",
        data={"password": jp_serverapp.identity_provider.token, "_xsrf": page.cookies["_xsrf"]},
    )
    # Any page sets the token that belongs to the new session.
    await client.get(base + "login")
    return {"X-XSRFToken": client.cookies["_xsrf"]}


async def test_a_forged_form_from_elsewhere_is_refused(address, jp_serverapp, jp_base_url, coordinator):
    async with httpx.AsyncClient() as client:
        xsrf = await _cookies(client, jp_serverapp, jp_base_url)
        refused = await client.post(address("api/v1/submissions"), json={})
        assert refused.status_code == 403
        assert "_xsrf" in refused.json()["message"]
        assert coordinator.requests == []
        accepted = await client.post(address("api/v1/submissions"), json={}, headers=xsrf)
        assert accepted.status_code == 201
        assert "Cookie" not in coordinator.last.headers


async def test_an_authorizer_that_says_no_is_obeyed_before_anything_is_sent(jp_fetch, jp_serverapp, coordinator):
    class ReadOnly(type(jp_serverapp.authorizer)):
        def is_authorized(self, handler, user, action, resource):
            return resource != "clean-room" or action == "read"

    jp_serverapp.web_app.settings["authorizer"] = ReadOnly(parent=jp_serverapp)
    assert (await jp_fetch("clean-room/api/v1/me")).code == 200
    with pytest.raises(HTTPClientError) as refused:
        await jp_fetch("clean-room/api/v1/upload", method="POST", body="x")
    assert refused.value.code == 403
    assert len(coordinator.requests) == 1


async def test_events_arrive_one_by_one(address, jp_auth_header, coordinator):
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
            # 600 events take 30 s: two of them within a second means that nothing held them back.
            assert loop.time() - began < 5
        assert coordinator.last.headers["Last-Event-ID"] == "7"
        await asyncio.wait_for(coordinator.closed.wait(), 5)


async def test_large_bodies_stream_through(address, jp_auth_header):
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


async def test_an_early_no_ends_an_upload(address, jp_auth_header):
    async def body():
        for _ in range(200):
            yield b"\0" * 65536

    async with httpx.AsyncClient(timeout=30) as client:
        response = await client.post(address("api/v1/refuse"), content=body(), headers=jp_auth_header)
    assert response.status_code in (413, 503)
    assert response.json()["code"] in ("too-large", "unavailable")


async def test_redirects_are_not_followed(jp_fetch):
    with pytest.raises(HTTPClientError) as refused:
        await jp_fetch("clean-room/api/v1/elsewhere")
    assert refused.value.code == 502
    assert (await _problem(refused.value))["code"] == "unavailable"


async def test_no_content_stays_no_content(jp_fetch):
    assert (await jp_fetch("clean-room/api/v1/empty", method="DELETE")).code == 204


async def test_a_part_is_never_taken_for_the_whole(address, jp_auth_header):
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get(address("api/v1/broken"), headers=jp_auth_header)


async def test_a_coordinator_that_is_down_is_said_in_a_sentence(jp_fetch, jp_serverapp):
    jp_serverapp.web_app.settings["clean_room"].coordinator_url = "http://127.0.0.1:1"
    with pytest.raises(HTTPClientError) as refused:
        await jp_fetch("clean-room/api/v1/me")
    assert refused.value.code == 503
    problem = await _problem(refused.value)
    assert problem["code"] == "unavailable"
    assert problem["message"].startswith("The clean room can't be reached")
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
async def test_the_credential_goes_to_safe_addresses_only(jp_fetch, jp_serverapp, url):
    jp_serverapp.web_app.settings["clean_room"].coordinator_url = url
    with pytest.raises(HTTPClientError) as refused:
        await jp_fetch("clean-room/api/v1/me")
    assert refused.value.code == 503
    assert "Nothing was sent" in refused.value.response.body.decode() or url == ""


async def test_the_credential_is_read_for_every_call(jp_fetch, coordinator, credential_file):
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
    assert (await _problem(refused.value))["message"].startswith("The clean room's credential file can't be read")
    assert len(coordinator.requests) == 1

"""Tests of the settings and the trust roots."""

import json

import pytest
from conftest import CREDENTIAL
from tornado.httpclient import HTTPClientError

from jupyterlab_clean_room.configuration import CleanRoom


def _write(person, **values):
    (person / "config.json").write_text(json.dumps(values))


def test_settings_come_from_traits_then_environment_then_the_persons_file(person, monkeypatch):
    _write(person, url="http://127.0.0.1:1", tokenFile="token")
    (person / "token").write_text(CREDENTIAL)
    assert CleanRoom().origin() == "http://127.0.0.1:1"
    assert CleanRoom().credential() == CREDENTIAL
    monkeypatch.setenv("CLEAN_ROOM_URL", "http://127.0.0.1:2/")
    monkeypatch.setenv("CLEAN_ROOM_TOKEN", "from-environment")
    assert CleanRoom().origin() == "http://127.0.0.1:2"
    assert CleanRoom().credential() == "from-environment"
    assert CleanRoom(coordinator_url="http://127.0.0.1:3").origin() == "http://127.0.0.1:3"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"url": 5}'])
def test_ignores_a_settings_file_without_settings(person, text):
    (person / "config.json").write_text(text)
    assert CleanRoom().coordinator_url == ""
    assert CleanRoom().credential() is None


async def test_trust_roots_come_from_the_jupyter_host(jp_fetch, person, coordinator):
    with pytest.raises(HTTPClientError) as refused:
        await jp_fetch("clean-room/trust")
    assert refused.value.code == 404
    assert json.loads(refused.value.response.body)["code"] == "not-found"
    (person / "trust.json").write_text('{"format": "clean-room.trust-roots/v1"}')
    response = await jp_fetch("clean-room/trust")
    assert json.loads(response.body) == {"format": "clean-room.trust-roots/v1"}
    assert coordinator.requests == []


async def test_revocations_come_from_the_jupyter_host(jp_fetch, person, coordinator):
    with pytest.raises(HTTPClientError) as refused:
        await jp_fetch("clean-room/revocations")
    assert refused.value.code == 404
    assert json.loads(refused.value.response.body)["code"] == "not-found"
    (person / "revocations.json").write_text("[]")
    response = await jp_fetch("clean-room/revocations")
    assert json.loads(response.body) == []
    assert coordinator.requests == []

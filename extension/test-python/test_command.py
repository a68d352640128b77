"""Tests of the command handler with a small program that reports how it was called."""

import json

import pytest
from conftest import CREDENTIAL
from tornado.httpclient import HTTPClientError

from jupyterlab_clean_room import node, verbs

# Prints its arguments, environment and input. `results boom …` fails in the same way as the real command.
PROGRAM = """
const read = async () => { let text = ''; for await (const piece of process.stdin) text += piece; return text; };
const [verb, ...rest] = process.argv.slice(2);
if (rest[0] === 'boom') {
  console.log(JSON.stringify({ code: 'not-found', message: 'This run does not exist.', remedy: 'Check the list.' }));
  process.exit(3);
}
if (rest[0] === 'mute') { console.error('Error: stack trace'); process.exit(1); }
if (rest[0] === 'slow') setTimeout(() => {}, 60000);
else console.log(JSON.stringify({ verb, rest, cwd: process.cwd(), environment: process.env, stdin: await read() }));
"""


@pytest.fixture(autouse=True)
def bundle(tmp_path, monkeypatch):
    path = tmp_path / "clean-room.mjs"
    path.write_text(PROGRAM)
    monkeypatch.setattr(node, "BUNDLE", path)
    return path


@pytest.fixture
def call(jp_fetch):
    async def it(verb, body):
        response = await jp_fetch("clean-room/command", verb, method="POST", body=json.dumps(body))
        return json.loads(response.body)

    return it


async def _refused(call, verb, body):
    with pytest.raises(HTTPClientError) as refused:
        await call(verb, body)
    return refused.value.code, json.loads(refused.value.response.body)


async def test_results_are_written_to_the_workspace(call, jp_root_dir):
    answer = await call("results", {"run": "run_1", "party": "university", "to": "results/run 1"})
    folder = jp_root_dir / "results" / "run 1"
    assert answer["exitCode"] == 0
    assert answer["output"]["verb"] == "results"
    assert answer["output"]["rest"] == ["run_1", "--party=university", "--json", f"--to={folder.resolve()}"]
    assert folder.is_dir()


async def test_results_without_a_folder_are_only_returned(call):
    assert (await call("results", {"run": "run_1", "party": "university"}))["output"]["rest"] == [
        "run_1",
        "--party=university",
        "--json",
    ]


async def test_the_receipt_is_passed_on_standard_input(call):
    assert (await call("verify", {"receipt": '{"a":1}'}))["output"]["stdin"] == '{"a":1}'


SUBMISSION = {
    "notebook": "study/a b.ipynb",
    "files": ["study/helpers.py"],
    "datasets": ["hospital/visits"],
    "purpose": "--wait; rm -rf / $(x)",
    "parameters": '{"min_age": 18}',
    "compute": {"processors": 2, "memoryBytes": 4294967296, "accelerator": "none"},
    "party": "university",
}


async def test_a_submission_becomes_separate_arguments(call, jp_root_dir):
    top = jp_root_dir.resolve()
    given = [
        f"{top}/study/a b.ipynb",
        f"--file={top}/study/helpers.py",
        "--dataset=hospital/visits",
        "--purpose=--wait; rm -rf / $(x)",
        '--parameters={"min_age": 18}',
        "--processors=2",
        "--memory-bytes=4294967296",
        "--party=university",
        "--json",
    ]
    answer = await call("submit", {**SUBMISSION, "dryRun": True})
    assert answer["output"]["rest"] == [*given, "--dry-run"]
    answer = await call("submit", {**SUBMISSION, "dryRun": True, "revisionOf": "01hzy"})
    assert "--revision-of=01hzy" in answer["output"]["rest"]
    image = "sha256:" + "0" * 64
    answer = await call("submit", {**SUBMISSION, "expect": image})
    assert answer["output"]["rest"] == [*given, f"--expect-image={image}"]


async def test_stand_ins_are_requested_by_name(call):
    answer = await call("stand-ins", {"datasets": ["hospital/visits"], "party": "university"})
    assert answer["output"]["rest"] == ["hospital/visits", "--party=university", "--json"]


async def test_the_command_gets_only_listed_environment_variables(call, monkeypatch):
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "hub")
    monkeypatch.setenv("NODE_OPTIONS", "--require=/tmp/evil.js")
    environment = (await call("stand-ins", {"datasets": [], "party": "university"}))["output"]["environment"]
    assert environment["CLEAN_ROOM_TOKEN"] == CREDENTIAL
    assert environment["CLEAN_ROOM_URL"].startswith("http://127.0.0.1:")
    assert not {"JUPYTERHUB_API_TOKEN", "NODE_OPTIONS", "JPY_PARENT_PID"} & set(environment)


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("results", {"run": "--to", "party": "p", "to": "x"}),
        ("results", {"run": "a b", "party": "p", "to": "x"}),
        ("results", {"run": "a\n", "party": "p", "to": "x"}),
        ("results", {"run": "r", "party": "p", "to": "../x"}),
        ("results", {"run": "r", "party": "p", "to": "/etc/x"}),
        ("results", {"run": "r", "party": "p", "to": ""}),
        ("results", {"run": "r", "party": "p", "to": "."}),
        ("results", {"run": "r", "party": "p", "to": "x\0y"}),
        ("results", {"run": "r", "party": "p", "to": "x", "extra": "--trust"}),
        ("verify", {"receipt": 5}),
        ("submit", SUBMISSION),
        ("submit", {**SUBMISSION, "expect": "sha256:0"}),
        ("submit", {**SUBMISSION, "dryRun": True, "notebook": "../a.ipynb"}),
        ("submit", {**SUBMISSION, "dryRun": True, "files": ["/etc/passwd"]}),
        ("submit", {**SUBMISSION, "dryRun": True, "datasets": ["-x"]}),
        ("submit", {**SUBMISSION, "dryRun": True, "party": "--x"}),
        ("submit", {**SUBMISSION, "dryRun": True, "purpose": "a\0b"}),
        ("submit", {**SUBMISSION, "dryRun": True, "compute": {"processors": True, "memoryBytes": 1}}),
        ("stand-ins", {"datasets": ["--json"], "party": "p"}),
        ("stand-ins", {"datasets": ["a/b;ls"], "party": "p"}),
        ("stand-ins", {"datasets": [], "party": "--trust"}),
        ("stand-ins", []),
    ],
)
async def test_refuses_invalid_requests_before_calling_the_command(call, verb, body):
    status, problem = await _refused(call, verb, body)
    assert status == 400
    assert problem["code"] == "malformed"


async def test_refuses_a_link_that_leads_out_of_the_workspace(call, jp_root_dir, tmp_path):
    (tmp_path / "outside").mkdir()
    (jp_root_dir / "link").symlink_to(tmp_path / "outside")
    status, _ = await _refused(call, "results", {"run": "r", "to": "link/x"})
    assert status == 400
    assert list((tmp_path / "outside").iterdir()) == []


async def test_refuses_unknown_verbs(call):
    assert (await _refused(call, "serve", {}))[0] == 404


async def test_passes_on_the_error_message_of_the_command(call):
    status, problem = await _refused(call, "results", {"run": "boom", "party": "p", "to": "x"})
    assert status == 422
    assert (problem["code"], problem["message"], problem["remedy"]) == (
        "not-found",
        "This run does not exist.",
        "Check the list.",
    )


async def test_never_shows_the_stack_trace_of_a_crash(call):
    status, problem = await _refused(call, "results", {"run": "mute", "party": "p", "to": "x"})
    assert status == 502
    assert "stack trace" not in json.dumps(problem)


async def test_stops_a_command_that_hangs(call, jp_serverapp):
    jp_serverapp.web_app.settings["clean_room"].command_timeout = 1.0
    status, problem = await _refused(call, "results", {"run": "slow", "party": "p", "to": "x"})
    assert status == 503
    assert "too long" in problem["message"]


async def test_refuses_calls_without_authentication(jp_fetch):
    with pytest.raises(HTTPClientError) as refused:
        await jp_fetch(
            "clean-room/command/stand-ins", method="POST", body="{}", headers={"Authorization": "token wrong"}
        )
    assert refused.value.code == 403


async def test_says_how_to_install_a_missing_bundle(call, bundle):
    bundle.unlink()
    status, problem = await _refused(call, "stand-ins", {"datasets": [], "party": "university"})
    assert status == 503
    assert "wheel" in problem["remedy"]


async def test_does_not_use_a_node_that_is_too_old(monkeypatch, tmp_path):
    old = tmp_path / "node"
    old.write_text("#!/bin/sh\necho v18.1.0\n")
    old.chmod(0o755)
    monkeypatch.setattr(node, "_candidates", lambda: [str(old), str(tmp_path / "missing")])
    with pytest.raises(node.Problem):
        await node.find_node()


def test_only_these_verbs_can_be_called():
    assert sorted(verbs.VERBS) == ["results", "stand-ins", "submit", "verify"]

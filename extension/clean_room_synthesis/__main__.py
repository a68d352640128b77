"""The process: a request and a table on standard input, an answer on standard output, the stand-in in a file or FIFO.

The first line of standard input is the request as JSON. The table follows as CSV, unless the request names a file.
`python -m clean_room_synthesis report` compares a stand-in with the real table, and `check-public` refuses an uploaded
stand-in that copies rare real values. Nothing is ever written to standard error, because messages of libraries can
contain values of the table.
"""

import json
import os
import sys
import time
import warnings
from contextlib import closing
from typing import Any, BinaryIO

_STARTED = time.monotonic()


def main() -> int:
    """Answers one request. Returns the exit code: 0 for an answer, 2 for an invalid request, 1 for other failures."""
    # Libraries report errors with the values that caused them.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    warnings.simplefilter("ignore")
    stage = ["start"]
    try:
        print(json.dumps(_answer(sys.argv[1:], sys.stdin.buffer, stage)), flush=True)
    except BaseException as error:
        print(json.dumps({"error": _description(error, stage[0])}), flush=True)
        return 2 if stage[0] == "request" else 1
    return 0


def _description(error: BaseException, stage: str) -> dict[str, Any]:
    """Describes an error by its stage and class. Only errors in the request, which is public, have words."""
    from .failure import InvalidRequest

    described = {"stage": stage, "class": type(error).__name__}
    if stage == "request" and isinstance(error, InvalidRequest):
        described |= {"reason": error.reason} | ({"column": error.column} if error.column else {})
    return described


def _answer(arguments: list[str], standard_input: BinaryIO, stage: list[str]) -> dict[str, Any]:
    from .failure import InvalidRequest
    from .request import MAX_REQUEST, parse_json

    stage[0] = "request"
    document = parse_json(standard_input.readline(MAX_REQUEST))
    match arguments:
        case []:
            return _synthesize(document, standard_input, stage)
        case ["report" | "check-public" as verb]:
            from .report.making import check_public, make_report

            stage[0] = verb
            return make_report(document) if verb == "report" else check_public(document)
    raise InvalidRequest("This command does not exist.")


def _synthesize(document: dict[str, Any], standard_input: BinaryIO, stage: list[str]) -> dict[str, Any]:
    from .output import answer_of, write_stand_in
    from .padding import pad
    from .request import parse_document
    from .rows import read_table
    from .schema import codec_of
    from .synthesis import synthesize

    request = parse_document(document)
    codecs = [codec_of(column) for column in request.columns]
    stage[0] = "read"
    names = [column.name for column in request.columns]
    person = None if request.person is None else names.index(request.person)
    with closing(standard_input if request.input is None else open(request.input, "rb")) as source:
        table = read_table(source, codecs, person, request.rows_per_person)
    stage[0] = "spend"
    synthesis = synthesize(request, codecs, table)
    # What follows depends only on answers with noise, so that its time tells nothing more.
    pad(_STARTED)
    stage[0] = "write"
    written = write_stand_in(request, synthesis)
    return answer_of(request, synthesis, written)


if __name__ == "__main__":
    # A thread of Arrow may still be reading standard input. The interpreter aborts if that happens while it shuts down.
    os._exit(main())

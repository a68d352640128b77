"""Failures in one JSON form: the same that the coordinator answers with."""

import json
import secrets
from http.client import responses
from typing import Any

from jupyter_server.base.handlers import APIHandler
from tornado.web import HTTPError

_CODES = {
    400: "malformed",
    401: "unauthenticated",
    403: "forbidden",
    404: "not-found",
    405: "malformed",
    413: "too-large",
}


class Problem(HTTPError):
    """A failure that a person can act on: a code of the closed set, what happened, and what to do."""

    def __init__(self, status: int, code: str, message: str, remedy: str | None = None) -> None:
        super().__init__(status)
        self.code = code
        self.sentence = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.code}: {self.sentence}"


class ProblemHandler(APIHandler):
    """An API handler whose every error, Jupyter's own included, has that form and a reference for the log."""

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = (kwargs.get("exc_info") or (None, None, None))[1]
        reference = secrets.token_hex(4)
        body = {"code": _CODES.get(status_code, "internal"), "reference": reference}
        if isinstance(error, Problem):
            body |= {"code": error.code, "message": error.sentence}
            if error.remedy:
                body["remedy"] = error.remedy
        elif isinstance(error, HTTPError):
            body["message"] = error.log_message or responses.get(status_code, "The request was refused.")
        else:
            body["message"] = "The Jupyter server could not finish this. Nothing was changed by it."
            body["remedy"] = "Try again; if it stays, give the reference to whoever runs this Jupyter server."
        self.log.warning(
            "Clean room: %s %s -> %d %s (ref %s)",
            self.request.method,
            self.request.path,
            status_code,
            body["code"],
            reference,
        )
        self.finish(json.dumps(body))

"""Error responses in the JSON form that the coordinator also uses."""

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
    """A failure that a person can act on: an error code, what happened, and what to do."""

    def __init__(self, status: int, code: str, message: str, remedy: str | None = None) -> None:
        super().__init__(status)
        self.code = code
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class ProblemHandler(APIHandler):
    """An API handler that reports all errors, including Jupyter's own, as JSON with a reference to the log entry."""

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = (kwargs.get("exc_info") or (None, None, None))[1]
        reference = secrets.token_hex(4)
        body = {"code": _CODES.get(status_code, "internal"), "reference": reference}
        if isinstance(error, Problem):
            body |= {"code": error.code, "message": error.message}
            if error.remedy:
                body["remedy"] = error.remedy
        elif isinstance(error, HTTPError):
            body["message"] = error.log_message or responses.get(status_code, "The request was refused.")
        else:
            body["message"] = "The Jupyter server could not finish the operation."
            body["remedy"] = (
                "Try again. If this happens again, give the reference to the administrator of this Jupyter server."
            )
        self.log.warning(
            "Clean room: %s %s -> %d %s (ref %s)",
            self.request.method,
            self.request.path,
            status_code,
            body["code"],
            reference,
        )
        self.finish(json.dumps(body))

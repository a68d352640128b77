"""The person's trust roots, against which the browser verifies receipts."""

from jupyter_server.auth.decorator import authorized
from tornado import web

from .configuration import person_folder
from .problem import Problem, ProblemHandler

MAX_BYTES = 1024 * 1024


class TrustHandler(ProblemHandler):
    """Handles `GET base_url/clean-room/trust`: responds with the person's trust.json.

    Trust roots come from the Jupyter host and never from the coordinator, because the party that issues receipts must
    not choose the roots that they are verified against.
    """

    auth_resource = "clean-room"

    @web.authenticated
    @authorized
    async def get(self) -> None:
        try:
            with (person_folder() / "trust.json").open("rb") as file:
                roots = file.read(MAX_BYTES + 1)
        except OSError as cause:
            raise Problem(
                404,
                "not-found",
                "You have no trust roots, so all signers of receipts are unknown.",
                "Save the trust roots that you got from your party as trust.json in your clean-room folder.",
            ) from cause
        if len(roots) > MAX_BYTES:
            raise Problem(502, "too-large", "The file with your trust roots is too large.", "Check trust.json.")
        await self.finish(roots)

"""Whom the person believes: the trust roots that the browser verifies receipts against."""

from jupyter_server.auth.decorator import authorized
from tornado import web

from .configuration import person_folder
from .problem import Problem, ProblemHandler

MAX_BYTES = 1024 * 1024


class TrustHandler(ProblemHandler):
    """`GET base_url/clean-room/trust`: the person's trust.json as it is.

    It comes from the Jupyter host, never from the coordinator: whoever gives out receipts must not also say whom to
    believe about them.
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
                "You have not said whom to believe, so signers stay unknown.",
                "Put the trust roots that your party gave you into trust.json of your clean-room folder.",
            ) from cause
        if len(roots) > MAX_BYTES:
            raise Problem(502, "too-large", "The file of trust roots is too large to be one.")
        await self.finish(roots)

"""The person's trust roots and lists of revoked kernel images, against which the browser verifies receipts."""

from jupyter_server.auth.decorator import authorized
from tornado import web

from .configuration import person_folder
from .problem import Problem, ProblemHandler

MAX_BYTES = 16 * 1024 * 1024


class _FileHandler(ProblemHandler):
    """Responds with a file of the person's folder, as it is.

    It comes from the Jupyter host and never from the coordinator, because the party that issues receipts must not
    choose what they are verified against.
    """

    auth_resource = "clean-room"
    name: str
    missing: str
    remedy: str

    @web.authenticated
    @authorized
    async def get(self) -> None:
        try:
            with (person_folder() / self.name).open("rb") as file:
                content = file.read(MAX_BYTES + 1)
        except OSError as cause:
            raise Problem(404, "not-found", self.missing, self.remedy) from cause
        if len(content) > MAX_BYTES:
            raise Problem(502, "too-large", f"The file {self.name} is too large.", f"Check {self.name}.")
        self.set_header("Content-Type", "application/json")
        await self.finish(content)


class TrustHandler(_FileHandler):
    """Handles `GET base_url/clean-room/trust`: responds with the person's trust.json."""

    name = "trust.json"
    missing = "You have no trust roots, so all signers of receipts are unknown."
    remedy = "Save the trust roots that you got from your party as trust.json in your clean-room folder."


class RevocationsHandler(_FileHandler):
    """Handles `GET base_url/clean-room/revocations`: responds with the lists that the command remembers."""

    name = "revocations.json"
    missing = "You know no list of revoked kernel images."
    remedy = "Run `clean-room verify --revocations FILE` with a list from your party. It is then remembered."

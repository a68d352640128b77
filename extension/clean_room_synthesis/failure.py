"""Errors that are safe to show: they consist of a stage, a class and at most the name of a declared column."""


class InvalidRequest(Exception):
    """Thrown for a request that cannot be met. It is found before data is read, so it may say what is wrong."""

    def __init__(self, reason: str, column: str | None = None):
        super().__init__(reason)
        self.reason = reason
        self.column = column

"""Hides how long the work on data took."""

import time


def grid_of(seconds: float) -> float:
    """Returns the next time at which work may end: full seconds, and larger steps above 16 seconds."""
    step = 1.0
    while seconds > 16 * step:
        step *= 2
    return step * -(-seconds // step)


def pad(started: float) -> None:
    """Waits until the next time of the grid, counted from `started` (a time of `time.monotonic`)."""
    time.sleep(max(0.0, started + grid_of(time.monotonic() - started) - time.monotonic()))

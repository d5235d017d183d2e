"""Waiting for something that can be seen, never for time to pass."""

import time

PATIENCE = 30.0


def eventually(look, what="the condition", within=PATIENCE):
    """Calls `look` until it returns something true, and returns that; an AssertionError in `look` counts as not yet."""
    deadline = time.monotonic() + within
    pause = 0.002
    last = None
    while True:
        try:
            last = look()
            if last:
                return last
        except AssertionError as error:
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {within} s; last seen: {last!r}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)

"""Waiting for something that can be seen, never for time to pass. The only place of the scenarios that looks again and again."""

import asyncio
import time

PATIENCE = 30.0


class _Looking:
    """When to look again: soon at first, then ten times a second, until the time is up."""

    def __init__(self, look, what, within):
        self._look, self._what, self._within = look, what, within
        self._deadline = time.monotonic() + within
        self._pause, self._last = 0.002, None

    def seen(self):
        """What `look` returned where that is true; an AssertionError in it counts as not yet."""
        try:
            self._last = self._look()
            if self._last:
                return self._last
        except AssertionError as error:
            self._last = error
        if time.monotonic() > self._deadline:
            raise AssertionError(f"{self._what}: not within {self._within} s; last seen: {self._last!r}")
        return None

    def pause(self):
        pause, self._pause = self._pause, min(self._pause * 1.5, 0.1)
        return pause


def eventually(look, what="the condition", within=PATIENCE):
    """Calls `look` until it returns something true, and returns that."""
    looking = _Looking(look, what, within)
    while not (seen := looking.seen()):
        time.sleep(looking.pause())
    return seen


async def eventually_async(look, what="the condition", within=2 * PATIENCE):
    """`eventually` beside the tasks of an event loop."""
    looking = _Looking(look, what, within)
    while not (seen := looking.seen()):
        await asyncio.sleep(looking.pause())
    return seen


def settled(look, what="a number that stays"):
    """What `look` returns once it was the same ten times in a row, for about a second."""
    seen = []

    def still():
        seen.append(look())
        # The first looks follow each other closely.
        return len(seen) > 12 and len(set(seen[-10:])) == 1
    eventually(still, what)
    return seen[-1]

"""Public configurations of other gateways, translated: each request of their tables comes to what it comes to there.

A row with `gap` must still be wrong, and a translation with `missing_keys` must still be refused for just those: what has been built
is taken out of the tables. `Scripts/test translations` sends the same tables to Envoy and nginx.
"""

import re
from contextlib import ExitStack

import pytest

from harness import peers
from harness.translation import NAMES, Translation, World

TRANSLATIONS = {name: Translation(name) for name in NAMES}


def cases(wanted):
    return [pytest.param(name, row, id=f"{name}-{row.title}") for name, translation in TRANSLATIONS.items() if wanted(translation)
            for row in translation.rows]


class Worlds:
    """One gateway a translation, for all rows of its table."""

    def __init__(self, factory, start):
        self._factory, self._start, self._started, self._stack = factory, start, {}, ExitStack()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stack.close()

    def __getitem__(self, name):
        if name not in self._started:
            world = self._stack.enter_context(World(TRANSLATIONS[name], self._factory.mktemp(name)))
            self._started[name] = None
            self._start(world)
            self._started[name] = world
        assert self._started[name], f"{name} did not start: see its first row"
        return self._started[name]


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with Worlds(tmp_path_factory, World.serve) as worlds:
        yield worlds


@pytest.fixture(scope="module")
def served_by_peers(tmp_path_factory):
    with Worlds(tmp_path_factory, peers.serve) as worlds:
        yield worlds


@pytest.mark.parametrize("name, row", cases(lambda translation: not translation.missing_keys))
def test_a_request_comes_to_what_it_comes_to_there(served, name, row):
    wrong = served[name].wrong(row)
    if row.gap:
        assert wrong, f"{name} is right in row {row.title}: take its gap out ({row.gap})"
    else:
        assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", NAMES)
def test_what_cannot_be_said_yet_is_refused_by_name(tmp_path, name):
    translation = TRANSLATIONS[name]
    with World(translation, tmp_path) as world:
        status, found, told = world.check()
    named = [re.compile(re.escape(key).replace(r"\[\*\]", r"\[\d+\]")) for key in translation.missing_keys]
    assert status == (1 if named else 0) and all(any(key.fullmatch(place) for place in found) for key in named), told
    # What else is wrong follows from them; no other key may be unknown.
    unknown = [place for place, what in found.items() if what.startswith("unknown key")]
    assert all(any(key.fullmatch(place) for key in named) for place in unknown), told


@pytest.mark.peers
@pytest.mark.parametrize("name, row", cases(lambda translation: translation.peer))
def test_the_table_is_true_of_the_original(served_by_peers, name, row):
    if not peers.PROGRAMS[TRANSLATIONS[name].peer]():
        pytest.skip(f"{TRANSLATIONS[name].peer} is not installed")
    wrong = served_by_peers[name].wrong(row, gateway=False)
    assert not wrong, "\n".join(wrong)


def test_tables_are_whole():
    for name, translation in TRANSLATIONS.items():
        assert len(translation.table["requests"]) >= 10, name
        assert translation.peer in (None, *peers.PROGRAMS), name

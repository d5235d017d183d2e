"""Stores by name: TLS, users, Unix sockets, and passwords that change while the process runs."""

import os
import signal

import pytest

from harness.waiting import eventually


def write(file, text):
    """As a secret that is mounted changes: another file in its place."""
    beside = file.with_suffix(".new")
    beside.write_text(text)
    os.replace(beside, file)


def connections(store):
    """Those of the one worker and of the control loop, once the look at the store at the start is over."""
    def seen():
        lines = store.command("CLIENT", "LIST").decode().splitlines()
        found = {line.split()[0] for line in lines if "user=martlet" in line}
        return found if len(found) == 2 else None
    return eventually(seen, "two connections")


def auths(store):
    """How many were accepted, and how many refused."""
    line = next(line for line in store.command("INFO", "commandstats").decode().splitlines() if line.startswith("cmdstat_auth"))
    numbers = dict(part.split("=") for part in line.partition(":")[2].split(","))
    failed = int(numbers["failed_calls"])
    return int(numbers["calls"]) - failed, failed


class Rotation:
    """A store whose user's password comes from a file, and what counts in it, on one connection so far."""

    def __init__(self, counting, redis, folder):
        self.store = redis(users=[f"martlet {counting.user}"])
        self.file = folder / "redis.pw"
        write(self.file, "geheim\n")
        self.counter = counting(
            {"redis": self.store.address, "mode": "single", "user": "martlet", "password": f"file:{self.file}"})
        assert self.counter.counts()
        self.before = connections(self.store)
        self.accepted, _ = auths(self.store)


@pytest.fixture
def rotation(counting, redis, tmp_path):
    return Rotation(counting, redis, tmp_path)


def test_a_user_over_tls(counting, redis, pki, server_identity):
    store = redis(identity=server_identity, authority=pki, users=[f"martlet {counting.user}"])
    counter = counting({
        "redis": store.address, "mode": "single", "tls": {"ca": str(pki.file), "server_name": "localhost"},
        "user": "martlet", "password": "geheim"}, count=3)
    assert [counter.counts() for _ in range(4)] == [True, True, True, None]


def test_a_unix_socket_and_a_database(counting, redis, tmp_path):
    store = redis(settings=["unixsocket", tmp_path / "redis.sock"])
    counter = counting({"redis": f"unix:{tmp_path}/redis.sock", "mode": "single", "database": 3}, count=3)
    assert [counter.counts() for _ in range(4)] == [True, True, True, None]
    assert store.keys() == [] and "db3" in store.command("INFO", "keyspace").decode()


def test_a_password_that_changes_in_its_file_is_given_on_connections_that_are_open(rotation):
    store, file, counter = rotation.store, rotation.file, rotation.counter
    # The server knows both for a while, as it must when a password is changed under load.
    store.command("ACL", "SETUSER", "martlet", ">neu")
    write(file, "neu\n")
    counter.process.wait_for(lambda line: "store main: its password has changed" in line, "notice")
    eventually(lambda: auths(store) == (rotation.accepted + 2, 0), "AUTH anew")
    store.command("ACL", "SETUSER", "martlet", "<geheim")
    assert counter.counts() and connections(store) == rotation.before
    # A reload, which finds the new one in the file, leaves them as they are.
    counter.process.send(signal.SIGHUP)
    counter.process.wait_for(lambda line: line.startswith("reload"), "the end of the reload")
    assert counter.counts() and connections(store) == rotation.before
    # And on those that are made from now on.
    store.command("CLIENT", "KILL", "USER", "martlet")
    eventually(lambda: counter.counts(), "a call that a new connection decides")
    assert not connections(store) & rotation.before


def test_a_password_that_comes_before_the_server_knows_it_is_given_again(rotation):
    store, file, counter = rotation.store, rotation.file, rotation.counter
    write(file, "neu")
    eventually(lambda: counter.counts() and auths(store)[1] > 0, "an AUTH that is refused")
    store.command("ACL", "SETUSER", "martlet", ">neu", "<geheim")
    eventually(lambda: counter.counts() and auths(store)[0] == rotation.accepted + 2, "an AUTH that is accepted")
    assert connections(store) == rotation.before


def test_an_empty_password_file_changes_nothing(counting, redis, tmp_path):
    store = redis(users=[f"martlet {counting.user}"])
    file = tmp_path / "redis.pw"
    write(file, "geheim")
    counter = counting({"redis": store.address, "mode": "single", "user": "martlet", "password": f"file:{file}"})
    write(file, "\n")
    counter.process.wait_for(lambda line: "expected a password; the former one stays" in line, "notice")
    assert counter.counts()

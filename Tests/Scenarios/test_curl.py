"""What people type: curl before a gRPC backend."""

import gzip
import json
import shutil
import subprocess

import pytest

from harness.library import NAME, Served, gateway_before

CURL = shutil.which("curl")
pytestmark = pytest.mark.skipif(not CURL, reason="needs curl")
VERSIONS = {"http1": "--http1.1", "http2": "--http2-prior-knowledge"}


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with Served() as server, gateway_before(server.address, tmp_path_factory.mktemp("curl")) as gateway:
        yield gateway


@pytest.fixture(params=VERSIONS)
def curl(request, running):
    def run(path, *words, body=None):
        """Body, and status, of the answer."""
        done = subprocess.run([CURL, "-sS", "--max-time", "30", VERSIONS[request.param], "-w", "\n%{http_code}", *words,
                               f"http://{running.address}{path}"], input=body, capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr
        answer, _, status = done.stdout.rpartition(b"\n")
        return answer, int(status)
    return run


def test_a_get(curl):
    answer, status = curl("/v1/shelves/1/books/2?readMask=title")
    assert (status, json.loads(answer)) == (200, {"name": "shelves/1/books/2", "title": "title"})


JSON = ["-H", "content-type: application/json"]


def test_a_post(curl):
    answer, status = curl("/v1/shelves/1/books", *JSON, "-d", '{"title":"t"}')
    assert (status, json.loads(answer)) == (200, {"title": "t"})


def test_what_d_alone_posts_is_no_json(curl):
    """curl says application/x-www-form-urlencoded then, as any page's form does."""
    answer, status = curl("/v1/shelves/1/books", "-d", '{"title":"t"}')
    assert status == 415 and "expected content-type application/json" in json.loads(answer)["message"]


def test_compressed_both_ways(curl):
    book = json.dumps({"title": "swift " * 1000}).encode()
    answer, status = curl("/v1/shelves/1/books", "--compressed", *JSON, "--data-binary", "@-", "-H", "content-encoding: gzip", body=gzip.compress(book))
    assert (status, json.loads(answer)) == (200, json.loads(book))


def test_a_large_body_that_waits_to_be_wanted(curl):
    """Over 1 MiB curl says Expect: 100-continue."""
    book = json.dumps({"title": "t" * 2_000_000}).encode()
    answer, status = curl("/v1/shelves/1/books", *JSON, "--data-binary", "@-", "-H", "expect: 100-continue", body=book)
    assert (status, answer) == (200, json.dumps(json.loads(book), separators=(",", ":")).encode())


def test_streams_by_lines_in_chunks(curl):
    lines = b"".join(b'{"pages":%d}\n' % number for number in range(1, 300))
    answer, status = curl("/v1/books:exchange", *JSON, "-H", "accept: application/x-ndjson", "-X", "POST", "-T", "-", "-N", body=lines)
    assert (status, answer) == (200, lines)
    answer, status = curl("/v1/shelves/1/books:watch?pageSize=2", "-N", "-H", "accept: text/event-stream")
    assert (status, answer) == (200, b'data: {}\n\ndata: {"pages":1}\n\n')


def test_connect(curl):
    words = ["-H", "content-type: application/json", "-H", "connect-protocol-version: 1"]
    answer, status = curl(f"/{NAME}/GetBook", *words, "-d", '{"name":"x/NOT_FOUND/none"}')
    assert (status, json.loads(answer)["code"]) == (404, "not_found")
    answer, status = curl(f"/{NAME}/GetBook", "-G", "--data-urlencode", "encoding=json", "--data-urlencode", 'message={"name": "a b+c"}')
    assert (status, json.loads(answer)) == (200, {"name": "a b+c"})

"""A page of another origin in a real browser: gRPC-Web, Connect and REST by fetch, with the questions that browsers ask first."""

import json

import pytest

from harness import browser
from harness.gateway import Gateway, configuration
from harness.library import NAME, Served, descriptors

# A browser takes its time to start where the machine is busy.
pytestmark = [pytest.mark.skipif(not browser.CHROMIUM, reason="needs Debian's chromium"), pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser")
    descriptors(folder / "library.binpb")
    with browser.Page("callers.html") as page, Served() as server:
        books = {"endpoints": [server.address], "schema": {"descriptors": [str(folder / "library.binpb")]}}
        cors = {"origins": [page.origin], "expose": ["x-shelf"], "max_age": "1h"}
        routes = [{"path": f"/{NAME}/BurnBook", "cluster": "books", "allow": "anyone", "cors": {"origins": ["https://elsewhere.dev"]}},
                  {"service": NAME, "cluster": "books", "allow": "anyone", "cors": cors}]
        with Gateway(folder, configuration(clusters={"books": books}, routes=routes, workers=1)) as gateway:
            page.where = {"gateway": f"http://{gateway.address}", "service": NAME}
            results = page.shown(folder / "profile")
            gateway.wait_for_log(lambda line: line["method"] == "POST" and line["path"].endswith("ReplaceBook"))
            yield results, gateway.log()


BOOK = {"name": "shelves/1", "title": "", "pages": 0}
THREE = [{"name": "", "title": "", "pages": number} for number in range(3)]


@pytest.mark.parametrize("name, wanted", [
    ("web unary", {"books": [BOOK], "status": "0", "message": "", "last": "yes", "initial": "7"}),
    ("web-text unary", {"books": [BOOK], "status": "0", "message": "", "last": "yes", "initial": "7"}),
    ("web server stream", {"books": THREE, "status": "0", "message": "", "initial": None}),
    ("web-text server stream", {"books": THREE, "status": "0", "message": "", "initial": None}),
    ("web error", {"books": [], "status": "5", "message": "no such book", "initial": None}),
    ("connect proto", {**BOOK, "initial": "7"}),
    ("connect json", {"name": "shelves/1"}),
    ("connect json, long", {"same": True, "encoding": "gzip"}),
    ("connect json, packed", {"same": True}),
    ("connect error", {"status": 403, "code": "permission_denied", "message": "no such book"}),
    ("connect stream", {"books": [{}, {"pages": 1}, {"pages": 2}], "end": {"metadata": {"x-count": ["3"]}}}),
    ("connect stream error", {"books": [{}], "end": {"error": {"code": "data_loss", "message": "torn"}, "metadata": {"x-count": ["1"]}}}),
    ("connect get", {"name": "shelves/1"}),
    ("rest", {"name": "shelves/1/books/2"}),
    ("rest events", {"books": [{}, {"pages": 1}, {"pages": 2}]}),
    ("no permission", {"thrown": "TypeError"}),
])
def test_a_page_calls(shown, name, wanted):
    assert {key: value for key, value in shown[0][name].items() if value is not None} == \
        {key: value for key, value in wanted.items() if value is not None}


def test_a_long_stream_is_read_as_it_comes(shown):
    # Each message is a frame and at most three bytes, then come the trailers.
    assert shown[0]["web stream as it comes"]["count"] > 200 * 7


def test_the_browser_asked_before_it_called(shown):
    questions = {line["path"] for line in shown[1] if line["method"] == "OPTIONS"}
    assert {f"/{NAME}/{method}" for method in ("GetBook", "WatchBooks", "ReplaceBook", "BurnBook")} <= questions
    # The one that it may not call it did not.
    assert not any(line["method"] == "POST" and line["path"].endswith("BurnBook") for line in shown[1])

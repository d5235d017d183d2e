"""Debian's chromium without a screen, and the server of the page that it shows."""

import json
import os
import queue
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from .processes import Process

PAGES = Path(__file__).resolve().parents[1] / "pages"
CHROMIUM = shutil.which("chromium")


class Page:
    """Serves one page on a port of its own, tells it what it asks for under `/where`, and takes what it found out."""

    def __init__(self, name):
        self.where, self.results = {}, queue.Queue()
        page, outer = (PAGES / name).read_bytes(), self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def answer(self, status, kind, body):
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                if self.path == "/where":
                    self.answer(200, "application/json", json.dumps(outer.where).encode())
                elif self.path == "/":
                    self.answer(200, "text/html", page)
                else:
                    self.answer(404, "text/plain", b"")

            def do_POST(self):
                outer.results.put(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                self.answer(200, "text/plain", b"")

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.origin = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def shown(self, folder, within=150):
        """What the page found out once a browser showed it."""
        words = [CHROMIUM, "--headless", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--no-default-browser-check",
                 "--disable-extensions", "--disable-background-networking", "--disable-component-update", "--disable-sync",
                 "--no-proxy-server", f"--user-data-dir={folder}", "--remote-debugging-port=0"]
        if os.getuid() == 0:
            words.append("--no-sandbox")
        with Process([*words, self.origin + "/"], name="chromium", environment={"HOME": str(folder)}) as browser:
            try:
                return self.results.get(timeout=within)
            except queue.Empty:
                raise AssertionError(f"the page found out nothing within {within} s:\n{browser.output()}") from None

"""A hub on loopback that serves whole files and ranges of them and records what was asked for."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from assistant.models.lock import Entry, LockedFile

FILES = {"config.json": b"{}", "weights.npz": bytes(range(256)) * 40, "voices/a.bin": b"voice"}


def entry(files: dict[str, bytes], revision: str = "1" * 40) -> Entry:
    """A model of these files, each held to its hash."""
    locked = (
        LockedFile(path=path, size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
        for path, content in files.items()
    )
    return Entry(
        name="tiny", role="voice", licence="MIT", repository="someone/tiny", revision=revision, files=tuple(locked)
    )


class HubServer(ThreadingHTTPServer):
    """Serves `/owner/name/resolve/REVISION/PATH` from `files`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.requests: list[tuple[str, int]] = []
        """Path and first byte of every request, in order."""
        self.hold_after: int | None = None
        """Send this many bytes of a file, then nothing until `release`."""
        self.release = threading.Event()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def asked(self) -> list[tuple[str, int]]:
        """The requests since the last call."""
        asked, self.requests = self.requests, []
        return asked


class _Handler(BaseHTTPRequestHandler):
    server: HubServer

    def do_GET(self) -> None:
        path = self.path.split("/", 5)[-1]
        start = int(re.sub(r"bytes=(\d+)-", r"\1", self.headers.get("Range", "bytes=0-")))
        self.server.requests.append((path, start))
        content = self.server.files.get(path)
        if content is None:
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        until = self.server.hold_after
        self.wfile.write(content[start:until])
        if until is not None:
            self.wfile.flush()
            self.server.release.wait()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[HubServer]:
    """A hub that answers until the block ends."""
    with HubServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.release.set()
            server.shutdown()
            thread.join()

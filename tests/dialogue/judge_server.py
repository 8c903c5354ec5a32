"""An OpenAI-compatible server on this machine that says what a test wants."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class JudgeServer:
    """What it answers, and what it was asked."""

    says: str | None = '{"passed": true, "reason": "It greets."}'
    """The assistant's message; None: it never answers."""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    """The whole body, instead of a message in the protocol."""
    asked: list[dict[str, Any]] = field(default_factory=list)
    authorizations: list[str | None] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    url: str = ""
    ending: threading.Event = field(default_factory=threading.Event)


@contextlib.contextmanager
def judge_server() -> Iterator[JudgeServer]:
    """One that listens on a free port while the context lasts."""
    state = JudgeServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.paths.append(self.path)
            state.asked.append(json.loads(body))
            state.authorizations.append(self.headers["Authorization"])
            if state.says is None:
                state.ending.wait()
                return
            message = {"choices": [{"message": {"role": "assistant", "content": state.says}}]}
            answer = state.raw if state.raw is not None else json.dumps(message).encode()
            self.send_response(state.status)
            for name, value in state.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield state
    finally:
        state.ending.set()
        server.shutdown()
        thread.join()
        server.server_close()

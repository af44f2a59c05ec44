"""Real servers on this machine that alerts are sent to."""

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from aiosmtpd.controller import Controller

LOCAL = "127.0.0.0/8"


@dataclass
class HttpServer:
    """A webhook's end: what it got, and what it answers."""

    port: int = 0
    status: int = 200
    location: str = ""
    got: list[dict[str, Any]] = field(default_factory=list)
    visits: int = 0

    @property
    def url(self) -> str:
        """apprise's URL of it, with a password in it."""
        return f"json://robot:canary-pw-1@127.0.0.1:{self.port}/hooks/canary-token-2"


@pytest.fixture
def http_server() -> Iterator[HttpServer]:
    """A web server on this machine."""
    known = HttpServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            known.visits += 1
            text = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if known.status == 200:
                known.got.append(json.loads(text))
            self.send_response(known.status)
            if known.location:
                self.send_header("Location", known.location)
            self.end_headers()

        do_GET = do_POST  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    known.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield known
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass
class MailServer:
    """A mail server's letters."""

    port: int = 0
    letters: list[tuple[list[str], str]] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        """Keep one letter (aiosmtpd's name)."""
        self.letters.append((envelope.rcpt_tos, envelope.content.decode()))
        return "250 OK"


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    """An SMTP server on this machine."""
    known = MailServer(port=_free_port())
    controller = Controller(known, hostname="127.0.0.1", port=known.port)
    controller.start()
    yield known
    controller.stop()


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])

"""One question over real sockets."""

from __future__ import annotations

import contextlib
import http.server
import json
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from okdrop.top import asking
from okdrop.top.asking import NotTold, unfinished
from okdrop.top.where import Where
from top.making import waiting_document

if TYPE_CHECKING:
    from collections.abc import Iterator

WHOLE = json.dumps(waiting_document(("half.mp4",))).encode()


@contextlib.contextmanager
def answering(body: bytes, status: int = 200) -> Iterator[tuple[Where, list[str | None]]]:
    """Something that answers every question so; gives the tokens that it was shown."""
    tokens: list[str | None] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name is the library's
            tokens.append(self.headers.get("Authorization"))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        try:
            yield Where(url=f"http://127.0.0.1:{server.server_port}", token="a-token"), tokens
        finally:
            server.shutdown()
            serving.join()


def test_it_asks_with_the_token_and_has_the_files() -> None:
    with answering(WHOLE) as (where, tokens):
        found = unfinished(where)
    assert (found.count, found.files[0].path) == (1, "/srv/drop/half.mp4")
    assert tokens == ["Bearer a-token"]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b'{"error": "show the token"}', 401, "refuses, with 401"),
        (b"", 200, "is no okdrop daemon"),
        (b"<html>", 200, "is no okdrop daemon"),
        (b"[" * 100_000, 200, "is no okdrop daemon"),
        (b'{"count": 1}', 200, "is no okdrop daemon"),
        (b'{"count": 1e999, "files": []}', 200, "is no okdrop daemon"),
    ],
)
def test_any_other_answer_is_an_error_that_says_so(body: bytes, status: int, words: str) -> None:
    with answering(body, status) as (where, _), pytest.raises(NotTold, match=words):
        unfinished(where)


def test_one_that_never_answers_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "WITHIN", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as server:
        where = Where(url=f"http://127.0.0.1:{server.getsockname()[1]}", token="")
        with pytest.raises(NotTold, match="no daemon answers at http://127"):
            unfinished(where)


def test_where_nothing_listens_no_daemon_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(NotTold, match="no daemon answers"):
        unfinished(Where(url=f"http://127.0.0.1:{port}", token=""))

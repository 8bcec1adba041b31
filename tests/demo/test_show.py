"""What is seen while the demonstration runs."""

from __future__ import annotations

import io

from rich.console import Console

from okdrop.demo.show import Show

PATH = "/srv/drop/Закат [red].mp4"

LOG = [
    {"event": "service.started"},
    {"event": "folder.watched", "path": "/srv/drop"},
    {"event": "file.waiting", "path": PATH, "reason": "held open by a writer"},
    {"event": "file.waiting", "path": PATH, "reason": "held open by a writer"},
    {"event": "file.settled", "path": PATH, "upload": 7, "size": 100},
    {"event": "upload.started", "path": PATH, "upload": 7, "size": 100},
    {"event": "segment.stored", "upload": 7, "received": 50, "size": 100},
    {"event": "upload.trouble", "upload": 7, "code": "no_answer", "reason": "the connection was cut"},
    {"event": "segment.stored", "upload": 7, "received": 100, "size": 100},
    {"event": "upload.whole", "upload": 7, "size": 100},
    {"event": "upload.published", "path": PATH, "upload": 7, "video_id": "42", "size": 100},
    {"event": "", "said": "no JSON"},
]

SAID = [
    "Закат [red].mp4: waiting (held open by a writer)",
    "Закат [red].mp4: finished",
    "Закат [red].mp4: sending",
    "Закат [red].mp4: sending (the connection was cut; asking what OK holds)",
    "Закат [red].mp4: sending",
    "Закат [red].mp4: publishing (OK holds every byte)",
    "Закат [red].mp4: published (video 42)",
    "no JSON",
]


def test_without_a_terminal_each_change_is_a_line() -> None:
    out = io.StringIO()
    with Show(Console(file=out, width=200)) as show:
        for event in LOG:
            show.hear(event)
        assert show.published == 1
    assert out.getvalue().splitlines() == SAID


def test_on_a_terminal_the_lines_are_redrawn_and_end_as_they_stand() -> None:
    out = io.StringIO()
    with Show(Console(file=out, width=100, force_terminal=True)) as show:
        for event in LOG:
            show.hear(event)
    last = out.getvalue().splitlines()[-2]
    assert "Закат [red].mp4" in last
    assert "published" in last
    assert "\x1b[" in out.getvalue()

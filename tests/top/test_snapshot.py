from __future__ import annotations

import dataclasses

from okdrop.top.snapshot import snapshot_lines
from okdrop.top.unfinished import unfinished_of
from top.making import HOSTILE, view, waiting_document


def test_everything_is_said_once_on_plain_lines_and_nothing_is_cut() -> None:
    lines = [*snapshot_lines(view(HOSTILE, troubles=["in trouble: x\ny"]))]
    assert all(line.isprintable() for line in lines)
    assert lines[0] == "okdrop 1.0 at http://127.0.0.1:8480: running"
    assert r"trouble: in trouble: x\ny" in lines
    assert sum("a" * 255 in line for line in lines) == 4


def test_each_kind_is_named_with_what_is_to_be_said_of_it() -> None:
    text = "\n".join(snapshot_lines(view()))
    assert "on its way: 100 /srv/drop/clip.mp4: sending, 25 % of 10.0 MB, 1.0 MB/s, 0:08 left" in text
    assert r"failed: 200 /srv/drop/clip.mp4: text_refused: OK refuses [b]the\ntitle" in text
    assert "queued: 300 /srv/drop/clip.mp4: 10.0 MB" in text
    assert "published: 400 /srv/drop/clip.mp4: 10.0 MB, https://ok.ru/video/67108864000013197" in text


def test_a_file_that_is_not_finished_is_named_with_its_reason() -> None:
    shown = dataclasses.replace(view(), unfinished=unfinished_of(waiting_document(("half.mp4",), count=30)))
    lines = [*snapshot_lines(shown)]
    assert "30 files not finished yet" in lines
    assert "not finished: /srv/drop/half.mp4: its end is missing, for 1:15" in lines
    assert not any("not finished" in line for line in snapshot_lines(view()))

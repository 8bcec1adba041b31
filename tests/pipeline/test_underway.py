"""A register of what is under way: it looks when it is asked, and forgets who left."""

from __future__ import annotations

from okdrop.pipeline.underway import Sending, Underway
from okdrop.protocol.picture import Picture
from okdrop.protocol.ranges import ByteRanges


def sending(upload: int, sent: int = 0) -> Sending:
    picture = Picture(size=10, sent=sent, mode=None, held=ByteRanges(), in_flight=())
    return Sending(upload=upload, path=b"/a", host="", picture=picture, on_line={})


def test_it_looks_when_it_is_asked() -> None:
    underway, sent = Underway(), [0]
    underway.enter(7, lambda: sending(7, sent[0]))
    sent[0] = 5
    assert [one.picture.sent for one in underway.now()] == [5]


def test_who_left_is_forgotten_and_who_came_anew_is_not() -> None:
    underway = Underway()
    leave = underway.enter(7, lambda: sending(7, 1))
    underway.enter(8, lambda: sending(8))
    underway.enter(7, lambda: sending(7, 2))
    leave()
    assert [(one.upload, one.picture.sent) for one in underway.now()] == [(7, 2), (8, 0)]
    leave()

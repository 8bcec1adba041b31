"""The age of a file whose own time lies in the future counts from something that does not."""

from __future__ import annotations

from okdrop.inbox.future import KEPT, NANOSECONDS, FutureFiles

NOW = 1_800_000_000.0
AHEAD = int((NOW + 10**8) * NANOSECONDS)


def ns(seconds: float) -> int:
    return int(seconds * NANOSECONDS)


def test_a_time_of_the_past_is_what_it_is() -> None:
    future = FutureFiles()
    assert future.counted_from(b"/a", size=1, mtime_ns=5, ctime_ns=ns(NOW), now=NOW) == 5
    assert len(future) == 0


def test_a_time_of_the_future_counts_from_when_the_inode_changed() -> None:
    since = FutureFiles().counted_from(b"/a", size=1, mtime_ns=AHEAD, ctime_ns=ns(NOW - 60), now=NOW)
    assert since == ns(NOW - 60)


def test_where_both_lie_in_the_future_it_counts_from_when_the_file_was_found() -> None:
    future = FutureFiles()
    for now in (NOW, NOW + 60):
        since = future.counted_from(b"/a", size=1, mtime_ns=AHEAD, ctime_ns=AHEAD, now=now)
        assert since == ns(NOW)


def test_what_changed_counts_anew() -> None:
    future = FutureFiles()
    future.counted_from(b"/a", size=1, mtime_ns=AHEAD, ctime_ns=AHEAD, now=NOW)
    assert future.counted_from(b"/a", size=2, mtime_ns=AHEAD, now=NOW + 60) == ns(NOW + 60)


def test_what_nobody_asks_about_for_long_is_forgotten() -> None:
    future = FutureFiles()
    future.counted_from(b"/a", size=1, mtime_ns=AHEAD, now=NOW)
    future.counted_from(b"/b", size=1, mtime_ns=AHEAD, now=NOW + KEPT)
    future.forget_old(NOW + KEPT)
    assert len(future) == 2
    future.forget_old(NOW + KEPT + 1)
    assert len(future) == 1

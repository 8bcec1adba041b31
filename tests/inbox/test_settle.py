from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okdrop.drop import Revision
from okdrop.inbox.lease import Writer
from okdrop.inbox.settle import (
    DONE_POLL,
    DONE_QUIET,
    WRITER_POLL,
    Beside,
    Cause,
    Gone,
    Settled,
    Settler,
    Verdict,
    Waiting,
)

PATH = b"/drop/a.mp4"


def revision(size: int = 0, mtime_ns: int = 0) -> Revision:
    return Revision(device=1, inode=2, size=size, mtime_ns=mtime_ns)


@dataclasses.dataclass(frozen=True)
class Look:
    path: bytes
    after: int  #: seconds since the look before
    revision: Revision | None
    writer: Writer


revisions = st.builds(revision, st.integers(0, 1), st.integers(0, 1))
looks = st.lists(
    st.builds(
        Look,
        st.sampled_from([b"a", b"b", b"c"]),
        st.integers(0, 6),
        st.none() | revisions,
        st.sampled_from(Writer),
    ),
    max_size=40,
)
settles = st.integers(0, 8)


def judge(history: list[Look], settle: float, start: float = 0) -> list[Verdict]:
    settler, now, results = Settler(settle), start, []
    for look in history:
        now += look.after
        results.append(settler.look(look.path, look.revision, look.writer, now))
    return results


def told_settled(history: list[Look], settle: float) -> list[bool]:
    """The rule of the module's head, applied to the whole history of each path at every look."""
    now, seen, results = 0, {}, []
    for look in history:
        now += look.after
        times = seen.setdefault(look.path, [])
        if times and times[-1][1] != look.revision:
            times.clear()
        times.append((now, look.revision))
        quiet = any(now - then >= settle for then, _ in times)
        settled = look.revision is not None and quiet and look.writer is not Writer.WRITING
        if settled or look.revision is None:
            times.clear()
        results.append(settled)
    return results


@given(looks, settles)
def test_settled_exactly_when_quiet_for_long_enough_and_not_held_by_a_writer(
    history: list[Look], settle: int
) -> None:
    results = judge(history, settle)
    assert [isinstance(one, Settled) for one in results] == told_settled(history, settle)


@given(looks, settles)
def test_every_look_has_its_kind_of_answer(history: list[Look], settle: int) -> None:
    now = 0
    for look, result in zip(history, judge(history, settle), strict=True):
        now += look.after
        match result:
            case Gone():
                assert look.revision is None
            case Settled():
                assert result.revision == look.revision
            case Waiting():
                assert result.look_again > now
                assert look.writer is not Writer.WRITING or result.being_written
                assert look.writer is not Writer.NONE or not result.being_written


@given(st.floats(0, 1e9), st.floats(0, 1e6), st.sampled_from([Writer.NONE, Writer.UNKNOWN]))
def test_a_quiet_file_is_settled_at_the_look_that_was_asked_for(
    start: float, settle: float, writer: Writer
) -> None:
    settler = Settler(settle)
    result = settler.look(PATH, revision(), writer, start)
    if isinstance(result, Waiting):
        result = settler.look(PATH, revision(), writer, result.look_again)
    assert result == Settled(revision=revision())


@given(looks, settles)
def test_paths_do_not_know_of_each_other(history: list[Look], settle: int) -> None:
    """Each path is judged the same alone as amid the looks at others, whatever their order."""
    together = dict.fromkeys((look.path for look in history), ())
    for look, result in zip(history, judge(history, settle), strict=True):
        together[look.path] += (result,)
    for path, results in together.items():
        now, settler, alone = 0, Settler(settle), []
        for look in history:
            now += look.after
            if look.path == path:
                alone.append(settler.look(path, look.revision, look.writer, now))
        assert results == tuple(alone)


@given(looks, settles, st.integers(-(10**6), 10**6), st.integers(-(10**18), 10**18))
def test_neither_the_hour_nor_the_age_of_a_file_matters(
    history: list[Look], settle: int, start: int, age: int
) -> None:
    aged = [
        dataclasses.replace(
            look,
            revision=look.revision
            and dataclasses.replace(look.revision, mtime_ns=look.revision.mtime_ns + age),
        )
        for look in history
    ]
    kinds = [[type(one) for one in judge(each, settle, at)] for each, at in ((history, 0), (aged, start))]
    assert kinds[0] == kinds[1]


@given(looks, settles)
def test_only_what_is_waited_for_is_remembered(history: list[Look], settle: int) -> None:
    settler, now, waiting = Settler(settle), 0, set()
    for look in history:
        now += look.after
        result = settler.look(look.path, look.revision, look.writer, now)
        waiting.add(look.path) if isinstance(result, Waiting) else waiting.discard(look.path)
        assert settler.waiting == waiting


@pytest.mark.parametrize("writer", [Writer.NONE, Writer.UNKNOWN])
def test_with_no_quiet_asked_for_one_look_is_enough(writer: Writer) -> None:
    assert Settler(0).look(PATH, revision(), writer, 5) == Settled(revision=revision())


def test_forgotten_is_seen_for_the_first_time_again() -> None:
    settler = Settler(10)
    settler.look(PATH, revision(), Writer.NONE, 0)
    settler.forget(PATH)
    settler.forget(PATH)
    result = settler.look(PATH, revision(), Writer.NONE, 10)
    assert result == Waiting(
        cause=Cause.QUIET, reason="seen for the first time", look_again=20, being_written=False
    )


@pytest.mark.parametrize(
    ("seconds", "grown", "speed"),
    [
        (2, 1998, "999 B/s"),
        (1, 1000, "1.0 kB/s"),
        (1, 24_700, "25 kB/s"),
        (2, 6_400_000, "3.2 MB/s"),
        (1, 5 * 10**12, "5000 GB/s"),
    ],
)
def test_says_how_quickly_a_file_grows(seconds: float, grown: int, speed: str) -> None:
    settler = Settler(10)
    settler.look(PATH, revision(10), Writer.UNKNOWN, 0)
    result = settler.look(PATH, revision(10 + grown), Writer.UNKNOWN, seconds)
    reason = f"still growing, {speed}"
    assert result == Waiting(cause=Cause.GROWING, reason=reason, look_again=seconds + 10, being_written=True)


def test_says_no_speed_before_growth_was_seen_for_a_second() -> None:
    """A copy comes in bursts: over a quarter of a second it would be told as many gigabytes a second."""
    settler = Settler(10)
    settler.look(PATH, revision(0), Writer.NONE, 0)
    burst = settler.look(PATH, revision(3 * 10**9), Writer.NONE, 0.25)
    assert isinstance(burst, Waiting)
    assert burst.reason == "still growing"
    later = settler.look(PATH, revision(4 * 10**9), Writer.NONE, 2)
    assert isinstance(later, Waiting)
    assert later.reason == "still growing, 2.0 GB/s"


def test_what_shrank_begins_to_grow_anew() -> None:
    settler = Settler(10)
    settler.look(PATH, revision(10**9), Writer.NONE, 0)
    settler.look(PATH, revision(0), Writer.NONE, 5)
    grown = settler.look(PATH, revision(4000), Writer.NONE, 7)
    assert isinstance(grown, Waiting)
    assert grown.reason == "still growing, 2.0 kB/s"


def test_says_no_speed_for_growth_within_no_time() -> None:
    settler = Settler(10)
    settler.look(PATH, revision(1), Writer.NONE, 0)
    result = settler.look(PATH, revision(2), Writer.NONE, 0)
    assert result == Waiting(cause=Cause.GROWING, reason="still growing", look_again=10, being_written=False)


def test_says_how_long_it_has_been_quiet() -> None:
    settler = Settler(10)
    settler.look(PATH, revision(2), Writer.NONE, 0)
    first = settler.look(PATH, revision(2), Writer.NONE, 3)
    shrunk = settler.look(PATH, revision(1), Writer.UNKNOWN, 5)
    later = settler.look(PATH, revision(1), Writer.UNKNOWN, 9)
    asked = "quiet for 10 s is asked"
    assert [first, shrunk, later] == [
        Waiting(
            cause=Cause.QUIET,
            reason=f"seen for the first time 3 s ago; {asked}",
            look_again=10,
            being_written=False,
        ),
        Waiting(cause=Cause.QUIET, reason=f"changed 0 s ago; {asked}", look_again=15, being_written=True),
        Waiting(cause=Cause.QUIET, reason=f"changed 4 s ago; {asked}", look_again=15, being_written=False),
    ]


def test_a_quiet_file_that_a_writer_holds_is_looked_at_soon_and_settles_once_it_is_closed() -> None:
    settler = Settler(10)
    settler.look(PATH, revision(), Writer.WRITING, 0)
    held = settler.look(PATH, revision(), Writer.WRITING, 60)
    assert held == Waiting(
        cause=Cause.WRITER, reason="held open by a writer", look_again=60 + WRITER_POLL, being_written=True
    )
    closed = settler.look(PATH, revision(), Writer.NONE, held.look_again)
    assert closed == Settled(revision=revision())


@given(looks, settles)
def test_a_look_that_brings_no_news_changes_nothing(history: list[Look], settle: int) -> None:
    """So the rounds may leave it out."""
    settler, thorough, now = Settler(settle), Settler(settle), 0
    for look in history:
        now += look.after
        wanted = thorough.look(look.path, look.revision, look.writer, now)
        if settler.brings_news(look.path, look.revision, now):
            assert isinstance(settler.look(look.path, look.revision, look.writer, now), type(wanted))
        else:
            assert isinstance(wanted, Waiting)
            assert look.writer is Writer.WRITING or not wanted.being_written
        assert settler.waiting == thorough.waiting


@given(looks, settles)
def test_quiet_is_what_settles_a_file_that_nobody_writes(history: list[Look], settle: int) -> None:
    settler, now = Settler(settle), 0
    for look in history:
        now += look.after
        quiet = settler.is_quiet(look.path, look.revision, now)
        result = settler.look(look.path, look.revision, look.writer, now)
        assert isinstance(result, Settled) is (quiet and look.writer is not Writer.WRITING)


def test_a_sight_counts_as_the_first_look() -> None:
    settler = Settler(10)
    settler.begin(PATH, revision(1), now=100)
    assert isinstance(settler.look(PATH, revision(1), Writer.NONE, 109), Waiting)
    assert isinstance(settler.look(PATH, revision(1), Writer.NONE, 110), Settled)


def test_a_sight_takes_back_no_look() -> None:
    settler = Settler(10)
    settler.look(PATH, revision(1), Writer.NONE, 100)
    settler.begin(PATH, revision(2), now=105)
    assert isinstance(settler.look(PATH, revision(1), Writer.NONE, 110), Settled)


def test_what_is_not_whole_is_waited_for_and_then_settled_as_it_is() -> None:
    settler = Settler(10, 60)
    settler.look(PATH, revision(), Writer.NONE, 0)
    waiting = settler.look(PATH, revision(), Writer.NONE, 10, beside=Beside(missing="its end is missing"))
    assert isinstance(waiting, Waiting)
    assert waiting.reason == "not whole: its end is missing"
    assert waiting.being_written  # a run that ends need not wait for it
    assert 10 < waiting.look_again <= 70
    assert isinstance(
        settler.look(PATH, revision(), Writer.NONE, 69, beside=Beside(missing="its end is missing")), Waiting
    )
    settled = settler.look(PATH, revision(), Writer.NONE, 70, beside=Beside(missing="its end is missing"))
    assert settled == Settled(revision=revision(), missing="its end is missing")
    assert not settler.is_waiting


def test_what_becomes_whole_is_settled_once_it_was_quiet_again() -> None:
    settler = Settler(10, 60)
    settler.look(PATH, revision(), Writer.NONE, 0)
    settler.look(PATH, revision(), Writer.NONE, 15, beside=Beside(missing="its end is missing"))
    settler.look(PATH, revision(2), Writer.NONE, 20)
    assert isinstance(settler.look(PATH, revision(2), Writer.NONE, 29), Waiting)
    assert settler.look(PATH, revision(2), Writer.NONE, 30) == Settled(revision=revision(2))


def test_every_change_begins_the_wait_for_the_end_anew() -> None:
    settler = Settler(10, 60)
    settler.look(PATH, revision(), Writer.NONE, 0)
    settler.look(PATH, revision(2), Writer.NONE, 65)
    assert isinstance(
        settler.look(PATH, revision(2), Writer.NONE, 134, beside=Beside(missing="much")), Waiting
    )
    assert isinstance(
        settler.look(PATH, revision(2), Writer.NONE, 135, beside=Beside(missing="much")), Settled
    )


def test_the_process_that_holds_a_file_is_named_where_it_is_known() -> None:
    settler = Settler(0)
    held = settler.look(PATH, revision(), Writer.WRITING, 0, beside=Beside(holder="ffmpeg, pid 12"))
    assert isinstance(held, Waiting)
    assert held.reason == "held open by a writer (ffmpeg, pid 12)"


def test_what_nobody_said_to_be_done_waits_for_that_for_ever_and_ever_more_patiently() -> None:
    settler, now, rests = Settler(10, 60), 0.0, []
    settler.look(PATH, revision(), Writer.NONE, now)
    for _ in range(40):
        now += 10
        waiting = settler.look(
            PATH, revision(), Writer.NONE, now, beside=Beside(waits_for="no a.mp4.done yet")
        )
        assert isinstance(waiting, Waiting)
        assert (waiting.cause, waiting.reason) == (Cause.NOT_DONE, "no a.mp4.done yet")
        assert waiting.being_written  # a run that ends need not wait for it
        rests.append(waiting.look_again - now)
    assert rests == sorted(rests)
    assert (rests[0], rests[-1]) == (0.5, DONE_POLL)
    assert isinstance(settler.look(PATH, revision(), Writer.NONE, now), Settled)


def test_of_what_is_done_a_short_quiet_will_do() -> None:
    settler, done = Settler(600), Beside(is_done=True)
    settler.look(PATH, revision(), Writer.NONE, 0)
    assert isinstance(settler.look(PATH, revision(), Writer.NONE, DONE_QUIET - 0.1, beside=done), Waiting)
    assert not settler.is_quiet(PATH, revision(), DONE_QUIET)
    assert settler.brings_news(PATH, revision(), DONE_QUIET, is_done=True)
    assert isinstance(settler.look(PATH, revision(), Writer.NONE, DONE_QUIET, beside=done), Settled)


def test_what_is_done_is_waited_for_while_a_writer_holds_it_or_it_is_not_whole() -> None:
    settler = Settler(600, 60)
    settler.look(PATH, revision(), Writer.NONE, 0)
    held = settler.look(PATH, revision(), Writer.WRITING, 5, beside=Beside(is_done=True))
    assert isinstance(held, Waiting)
    assert held.cause is Cause.WRITER
    broken = settler.look(PATH, revision(), Writer.NONE, 6, beside=Beside(is_done=True, missing="much"))
    assert isinstance(broken, Waiting)
    assert broken.cause is Cause.NOT_WHOLE

"""The order of the chores, and what OK's words mean for them."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okdrop.config.watch import After
from okdrop.drop import Chore, Drop, Revision, State, Upload
from okdrop.pipeline import after
from okdrop.pipeline.after import (
    FIRST_ASK,
    LONGEST_PAUSE,
    WORDS,
    Word,
    due_chore,
    first_chore,
    next_chore,
    refusal,
    target_of,
    until_next_ask,
)
from okdrop.protocol.messages import VideoStatus
from okdrop.protocol.retry import Backoff

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def upload(chore: Chore | None, state: State = State.PUBLISHED, *, moved_to: bytes | None = None) -> Upload:
    drop = Drop(
        path=b"/srv/drop/a.mp4",
        revision=Revision(device=1, inode=2, size=3, mtime_ns=4),
        folder="/srv/drop",
    )
    return Upload(
        id=1,
        drop=drop,
        state=state,
        version=1,
        chore=chore,
        moved_to=moved_to,
        created_at=NOW,
        updated_at=NOW,
    )


@pytest.mark.parametrize(
    ("wanted", "order"),
    [
        (After.KEEP, [Chore.CONFIRM]),
        (After.MOVE, [Chore.MOVE, Chore.CONFIRM]),
        (After.DELETE, [Chore.CONFIRM, Chore.DELETE]),
    ],
)
def test_the_chores_of_a_published_file(wanted: After, order: list[Chore]) -> None:
    done: list[Chore] = []
    chore: Chore | None = first_chore(wanted)
    moved_to = None
    while chore is not None:
        assert due_chore(upload(chore, moved_to=moved_to), wanted) is chore
        done.append(chore)
        moved_to = b"/kept/a.mp4" if chore is Chore.MOVE else moved_to
        chore = next_chore(upload(chore, moved_to=moved_to), wanted)
    assert done == order


@pytest.mark.parametrize(("chore", "state", "now"), [*itertools.product(Chore, State, After)])
def test_what_a_folder_says_now_is_what_counts(chore: Chore, state: State, now: After) -> None:
    due = due_chore(upload(chore, state), now)
    if due is Chore.DELETE:
        assert (chore, now, state) == (Chore.DELETE, After.DELETE, State.PUBLISHED)
    if due is Chore.MOVE:
        assert now is After.MOVE
        assert state in {State.PUBLISHED, State.DUPLICATE}
    if state not in {State.PUBLISHED, State.DUPLICATE}:
        assert due is None


@pytest.mark.parametrize("chore", Chore)
@pytest.mark.parametrize("moved_to", [None, b"/kept/a.mp4"])
@pytest.mark.parametrize("wanted", After)
def test_deleting_follows_on_confirmation_alone_and_never_on_a_move(
    chore: Chore, moved_to: bytes | None, wanted: After
) -> None:
    if next_chore(upload(chore, moved_to=moved_to), wanted) is Chore.DELETE:
        assert (chore, moved_to, wanted) == (Chore.CONFIRM, None, After.DELETE)


def test_a_file_that_was_moved_once_is_not_moved_again() -> None:
    assert first_chore(After.MOVE, moved=True) is Chore.CONFIRM


def test_a_duplicate_has_no_video_to_ask_about() -> None:
    assert next_chore(upload(Chore.MOVE, State.DUPLICATE), After.MOVE) is None


def test_every_word_of_ok_has_a_meaning_and_only_ok_is_ok() -> None:
    assert WORDS.keys() == set(VideoStatus)
    assert [status for status, word in WORDS.items() if word is Word.TAKEN] == [VideoStatus.OK]


@pytest.mark.parametrize("status", [status for status, word in WORDS.items() if word is Word.REFUSED])
def test_a_refusal_says_why_and_where_the_file_lies(status: VideoStatus) -> None:
    failure = refusal(status, upload(None))
    assert "/srv/drop/a.mp4" in failure.message
    assert failure.code.startswith("video_")
    assert failure.hint
    moved = refusal(status, upload(None, moved_to=b"/kept/line\nbreak.mp4"))
    assert moved.message.endswith("the file lies at /kept/line\\nbreak.mp4")


@pytest.mark.parametrize(
    ("path", "folder", "target"),
    [
        (b"/srv/drop/a.mp4", b"/srv/drop", b"/kept/a.mp4"),
        (b"/srv/drop/x/y/a.mp4", b"/srv/drop", b"/kept/x/y/a.mp4"),
        (b"/srv/drop/x/\xff.mp4", b"/srv/drop/", b"/kept/x/\xff.mp4"),
        (b"/a.mp4", b"/", b"/kept/a.mp4"),
        (b"/srv/dropped/a.mp4", b"/srv/drop", b"/kept/a.mp4"),
    ],
)
def test_sub_folders_are_kept(path: bytes, folder: bytes, target: bytes) -> None:
    assert target_of(path, folder, b"/kept") == target
    assert target_of(path, folder, b"/kept/") == target


@given(st.integers(0, 10**6))
def test_the_pauses_between_questions_grow_to_an_hour(asked: int) -> None:
    assert FIRST_ASK <= until_next_ask(asked) <= until_next_ask(asked + 1) <= LONGEST_PAUSE


def test_in_a_day_ok_is_asked_a_few_dozen_times() -> None:
    asked, seconds = 0, FIRST_ASK
    while seconds < 86_400:
        asked += 1
        seconds += until_next_ask(asked)
    assert 30 < asked < 50


def test_a_chore_waits_longer_than_an_upload_does() -> None:
    assert after.patient(Backoff(first_delay=1, max_delay=300)).max_delay == LONGEST_PAUSE
    assert after.patient(Backoff(first_delay=1, max_delay=86_400)).max_delay == 86_400

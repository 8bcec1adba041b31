"""The rule of what counts as published already, case by case."""

from __future__ import annotations

import pytest

from ledger.making import START, drop
from okdrop.drop import EXISTING_IGNORED, SOURCE_GONE, Drop, Failure, State, Upload
from okdrop.ledger import Known, Moved, New, SetAside, Suspect
from okdrop.ledger.judgement import decide

LIVE = [state for state in State if state is not State.SUPERSEDED]
SENT = {State.PUBLISHED, State.DUPLICATE}


def row(one: Drop, state: State, number: int = 1, digest: bytes | None = None) -> Upload:
    return Upload(
        id=number, drop=one, state=state, version=1, digest=digest, created_at=START, updated_at=START
    )


@pytest.mark.parametrize("state", LIVE)
def test_the_same_path_size_and_time_is_known_in_any_state(state: State) -> None:
    here = row(drop(inode=1), state)
    assert decide(drop(inode=2), [here]) == Known(upload=here)


@pytest.mark.parametrize("state", LIVE)
def test_a_rename_is_recognised_whatever_was_decided(state: State) -> None:
    here = row(drop(b"/old"), state)
    assert decide(drop(b"/new"), [here]) == Moved(upload=here)


@pytest.mark.parametrize("state", LIVE)
def test_a_touched_file_is_suspect_only_if_its_bytes_were_sent(state: State) -> None:
    here = row(drop(mtime_ns=1), state)
    assert decide(drop(mtime_ns=2), [here]) == (Suspect(upload=here) if state in SENT else New())


def test_known_goes_before_moved_and_moved_before_suspect() -> None:
    known = row(drop(), State.FAILED, 1)
    moved = row(drop(b"/old"), State.PUBLISHED, 2)
    suspect = row(drop(mtime_ns=1), State.PUBLISHED, 3)
    assert decide(drop(), [suspect, moved, known]) == Known(upload=known)
    assert decide(drop(), [suspect, moved]) == Moved(upload=moved)
    assert decide(drop(), [suspect]) == Suspect(upload=suspect)
    assert decide(drop(), []) == New()


def test_of_several_the_most_telling_is_named() -> None:
    compared = row(drop(mtime_ns=1), State.PUBLISHED, 1, digest=b"d")
    newer = row(drop(mtime_ns=2), State.PUBLISHED, 2)
    assert decide(drop(mtime_ns=3), [newer, compared]) == Suspect(upload=compared)
    sent = row(drop(b"/one"), State.PUBLISHED, 1)
    going = row(drop(b"/two"), State.QUEUED, 2)
    assert decide(drop(b"/three"), [going, sent]) == Moved(upload=sent)


@pytest.mark.parametrize("state", [State.FINALIZING, State.FAILED, State.CANCELLED])
def test_a_touched_file_whose_video_may_be_public_is_suspect(state: State) -> None:
    here = row(drop(mtime_ns=1), state).with_(publish_offered=True)
    assert decide(drop(mtime_ns=2), [here]) == Suspect(upload=here)


def test_a_file_that_was_gone_is_recognised_under_another_name() -> None:
    gone = row(drop(b"/old"), State.FAILED).with_(failure=Failure(code=SOURCE_GONE, message="gone"))
    assert decide(drop(b"/new"), [gone]) == Moved(upload=gone)


def test_what_was_set_aside_is_so_under_its_path_size_and_inode() -> None:
    ignored = Failure(code=EXISTING_IGNORED, message="it lay there before")
    aside = row(drop(mtime_ns=1, inode=7, device=1), State.CANCELLED).with_(failure=ignored)
    assert decide(drop(mtime_ns=2, inode=7, device=1), [aside]) == SetAside(upload=aside)
    assert decide(drop(mtime_ns=2, inode=7, device=2), [aside]) == SetAside(upload=aside)  # renumbered
    assert decide(drop(mtime_ns=2, inode=8), [aside]) == New()
    assert decide(drop(mtime_ns=2, inode=7, size=5), [aside]) == New()
    assert decide(drop(b"/other", mtime_ns=2, inode=7), [aside]) == New()
    assert decide(drop(mtime_ns=1, inode=8), [aside]) == Known(upload=aside)
    by_a_person = aside.with_(failure=None)
    assert decide(drop(mtime_ns=2, inode=7), [by_a_person]) == New()

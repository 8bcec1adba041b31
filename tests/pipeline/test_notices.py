"""What follows from a write of a row: who hears of what, and what is done beside the file."""

from __future__ import annotations

import dataclasses
import json
import os
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from okdrop.config.watch import After
from okdrop.drop import TRANSITIONS, Chore, Drop, Failure, Revision, State, Ticket, Upload
from okdrop.metadata import Metadata, Settings
from okdrop.pipeline.after import Afterwards
from okdrop.pipeline.notices import (
    Consequences,
    Listener,
    facts_of,
    occasions,
    variables_of,
)
from okdrop.pipeline.telling import words_of
from okdrop.publication import UNPUBLISHED
from okdrop.steps import FACTS, FILES, Kind, NewStep, Occasion

NOW = datetime(2030, 1, 1, tzinfo=UTC)
FOLDER = "/srv/drop"
ALL = frozenset(Occasion)
HOOK = Listener(kind=Kind.HOOK, name="all", occasions=ALL)


def row(**changes: Any) -> Upload:
    plain: dict[str, Any] = {
        "id": 17,
        "drop": Drop(
            path=b"/srv/drop/a.mp4",
            revision=Revision(device=1, inode=2, size=100_000, mtime_ns=10**18),
            folder=FOLDER,
        ),
        "state": State.PUBLISHED,
        "version": 4,
        "ticket": Ticket(video_id="90017", upload_url="https://host/?sig=secret", issued_at=NOW),
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Upload(**plain | changes)


def brought(
    before: Upload | None, written: Upload, *listeners: Listener, template: str = "{{ stem }}", **wanted: Any
) -> list[NewStep]:
    afterwards = Afterwards(**{"after": After.MOVE, "move_to": b"/kept"} | wanted)
    return Consequences(listeners, lambda _: Settings(title=template), lambda _: afterwards)(before, written)


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ({"state": State.FINALIZING}, {}, [Occasion.PUBLISHED]),
        ({}, {"chore": Chore.CONFIRM}, []),
        ({}, {"confirmed_at": NOW}, [Occasion.CONFIRMED]),
        ({"confirmed_at": NOW}, {"confirmed_at": NOW}, []),
        ({}, {"moved_to": b"/kept/a.mp4"}, []),
        ({"moved_to": b"/kept/a.mp4"}, {"moved_to": b"/kept/a.mp4", "moved_at": NOW}, [Occasion.MOVED]),
        ({}, {"state": State.FAILED}, [Occasion.REFUSED]),
        ({"state": State.UPLOADING}, {"state": State.FAILED}, [Occasion.FAILED]),
        ({"state": State.FAILED}, {"state": State.FAILED, "attempts": 7}, []),
        ({"state": State.QUEUED}, {"state": State.UPLOADING}, []),
        ({"state": State.FAILED}, {"state": State.QUEUED}, []),
    ],
)
def test_what_a_write_says(before: dict[str, Any], after: dict[str, Any], found: list[Occasion]) -> None:
    assert occasions(row(**before), row(**after)) == found


def test_a_new_row_says_so_only_if_it_failed_at_once() -> None:
    assert occasions(None, row(state=State.FAILED)) == [Occasion.FAILED]
    for state in set(State) - {State.FAILED}:
        assert occasions(None, row(state=state)) == []  # adopted, say


def test_no_way_of_a_row_says_two_things_of_its_state_at_once() -> None:
    for old, following in TRANSITIONS.items():
        for new in following:
            assert len(occasions(row(state=old), row(state=new))) <= 1


def test_everybody_who_wants_to_hear_does_and_nobody_else() -> None:
    here = dataclasses.replace(HOOK, name="here", folders=frozenset({FOLDER}))
    elsewhere = dataclasses.replace(HOOK, name="elsewhere", folders=frozenset({"/srv/other"}))
    failures = dataclasses.replace(HOOK, name="failures", occasions=frozenset({Occasion.FAILED}))
    web = dataclasses.replace(HOOK, kind=Kind.WEBHOOK, name="all")
    steps = brought(row(state=State.FINALIZING), row(), HOOK, here, elsewhere, failures, web)
    assert [one.lane for one in steps] == ["hook:all", "hook:here", "webhook:all"]
    assert len({one.key for one in steps}) == 3
    assert len({one.payload for one in steps}) == 1


def test_a_halt_is_told_whatever_the_folders() -> None:
    here = dataclasses.replace(HOOK, folders=frozenset({FOLDER}))
    assert here.hears(Occasion.HALTED, None)
    assert not here.hears(Occasion.PUBLISHED, "/srv/other")
    assert not dataclasses.replace(here, occasions=frozenset()).hears(Occasion.HALTED, None)


def test_what_is_told_holds_what_a_receiver_needs_and_no_secret() -> None:
    (step,) = brought(row(state=State.FINALIZING), row(), HOOK)
    facts = json.loads(step.payload)
    assert {*facts, "ends"} == {*FACTS}  # which is of alarms alone
    assert facts["event"] == "published"
    assert (facts["id"], facts["video_id"], facts["url"]) == (17, "90017", "https://ok.ru/video/90017")
    assert (facts["path"], facts["title"], facts["at"]) == (
        "/srv/drop/a.mp4",
        "a",
        "2030-01-01T00:00:00.000Z",
    )
    assert "secret" not in step.payload
    assert step.upload == 17


def test_the_same_event_has_the_same_name_and_another_one_has_another() -> None:
    def name(upload: Upload) -> str:
        return str(facts_of(Occasion.PUBLISHED, upload, "")["event_id"])

    assert name(row()) == name(row())
    assert (
        len({name(row()), name(row(version=5)), name(row(id=18)), name(row(updated_at=NOW + timedelta(1)))})
        == 4
    )


def title_told(before: Upload, after: Upload) -> str:
    (step,) = brought(before, after, HOOK, after=After.KEEP)
    return str(json.loads(step.payload)["title"])


def test_the_title_is_that_which_ok_was_told() -> None:
    words = UNPUBLISHED.with_(words=words_of(Metadata(title='By "the" sidecar \N{CLAPPER BOARD}')))
    whole = row(state=State.FINALIZING, publication=words)
    assert title_told(whole, row(publication=words)) == 'By "the" sidecar \N{CLAPPER BOARD}'
    assert title_told(whole, row()) == 'By "the" sidecar \N{CLAPPER BOARD}'  # its words are forgotten at once
    kept = row(publication=words)
    assert title_told(kept, row(publication=words, confirmed_at=NOW)) == 'By "the" sidecar \N{CLAPPER BOARD}'
    assert title_told(row(), row(confirmed_at=NOW)) == "a"
    failed = row(state=State.FAILED)
    assert title_told(row(state=State.UPLOADING), failed) == "a"


def test_a_title_that_cannot_be_made_stops_nothing() -> None:
    (step,) = brought(row(state=State.FINALIZING), row(), HOOK, template="{{ 1 // (size - 100000) }}")
    assert json.loads(step.payload)["title"] == ""


def test_a_failure_tells_why() -> None:
    why = Failure(code="source_gone", message="gone", hint="look")
    facts = facts_of(Occasion.FAILED, row(state=State.FAILED, failure=why, ticket=None), "a")
    assert (facts["code"], facts["message"], facts["hint"]) == ("source_gone", "gone", "look")
    assert (facts["video_id"], facts["url"]) == ("", "")


@pytest.mark.parametrize("path", [b"/srv/\xff\n'\".mp4", "/srv/\U0001f3ac.mp4".encode()])
def test_a_path_of_any_bytes_arrives_in_the_environment(path: bytes) -> None:
    drop = dataclasses.replace(row().drop, path=path)
    facts = json.loads(json.dumps(facts_of(Occasion.PUBLISHED, row(drop=drop), "a\0b\ud800")))
    variables = variables_of(facts)
    assert variables[b"OKDROP_PATH"] == path
    assert variables[b"OKDROP_TITLE"] == b"ab?"
    assert variables[b"OKDROP_ID"] == b"17"
    assert variables[b"OKDROP_MOVED_TO"] == b""
    assert not any(b"\0" in value for value in variables.values())


# --- beside the file ----------------------------------------------------------------------------------

AIMED = row(moved_to=b"/kept/a.mp4", chore=Chore.MOVE)
MOVED = AIMED.with_(moved_at=NOW, chore=Chore.CONFIRM)


def kinds(steps: list[NewStep]) -> list[Kind]:
    assert {one.lane for one in steps} <= {FILES}
    return [one.kind for one in steps]


def test_a_moved_file_takes_its_sidecars_along_and_gets_its_receipt() -> None:
    seen = ["/srv/drop/a.json", 1, 2, 3, 4]
    steps = brought(AIMED.with_(along=json.dumps([seen])), MOVED, move_along=("json",), receipt=True)
    assert kinds(steps) == [Kind.SIDECARS, Kind.RECEIPT]
    assert [json.loads(one.payload) for one in steps] == [
        {"video": "/srv/drop/a.mp4", "target": "/kept/a.mp4", "beside": [seen]},
        {"video": "/kept/a.mp4"},
    ]
    assert brought(AIMED, MOVED) == []


def test_a_kept_file_gets_its_receipt_when_it_is_published() -> None:
    before = row(state=State.FINALIZING)
    assert kinds(brought(before, row(), after=After.KEEP, receipt=True)) == [Kind.RECEIPT]
    for what in (After.MOVE, After.DELETE):
        assert brought(before, row(), after=what, receipt=True) == []


def test_a_moved_duplicate_takes_its_sidecars_along_and_has_no_receipt() -> None:
    steps = brought(
        AIMED.with_(state=State.DUPLICATE),
        MOVED.with_(state=State.DUPLICATE),
        move_along=("json",),
        receipt=True,
    )
    assert kinds(steps) == [Kind.SIDECARS]


@pytest.mark.parametrize(
    ("chore", "place"), [(Chore.DELETE, "/srv/drop/a.mp4"), (Chore.PRUNE, "/kept/a.mp4")]
)
def test_what_lies_beside_a_deleted_file_goes_too(chore: Chore, place: str) -> None:
    before = row(chore=chore, removed_at=NOW, moved_to=b"/kept/a.mp4")
    (step,) = brought(before, before.with_(chore=None))
    assert json.loads(step.payload) == {"video": place, "target": None, "beside": []}


def test_what_is_only_about_to_be_deleted_takes_nothing_along() -> None:
    before = row(chore=Chore.DELETE)
    assert brought(before, before.with_(removed_at=NOW), move_along=("json",)) == []
    left = before.with_(removed_at=NOW)
    assert brought(left, left.with_(removed_at=None, chore=None), move_along=("json",)) == []


def test_names_are_the_bytes_that_they_were() -> None:
    drop = dataclasses.replace(row().drop, path=b"/srv/drop/\xff.mp4")
    (step,) = brought(AIMED.with_(drop=drop), MOVED.with_(drop=drop), move_along=("json",))
    assert os.fsencode(json.loads(step.payload)["video"]) == drop.path

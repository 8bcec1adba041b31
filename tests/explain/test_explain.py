"""What `okdrop explain` says of a file: by its name, its kind, its writers, and the ledger."""

from __future__ import annotations

import dataclasses
import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from containers import made
from ledger.making import START, ticket
from okdrop.config import load
from okdrop.drop import Drop, Failure, Halt, State
from okdrop.explain import Explanation, Verdict, explain
from okdrop.inbox import lease
from okdrop.inbox.lease import Writer
from okdrop.inbox.revision import revision_at
from okdrop.ledger import Ledger, read_only
from okdrop.publication import Closed, Publication

if TYPE_CHECKING:
    from pathlib import Path

    from okdrop.config import Config


class Place:
    """A watched folder and a ledger."""

    def __init__(self, root: Path) -> None:
        self.drop = root / "drop"
        self.drop.mkdir()
        self.url = f"sqlite:///{root / 'ledger.db'}"

    def config(self, **folder: Any) -> Config:
        watch = [{"path": str(self.drop)} | folder]
        return load(None, {"OKDROP_WATCH": json.dumps(watch), "OKDROP_LEDGER__URL": self.url})

    def video(self, name: str = "a.mp4", size: int = 20_000) -> Path:
        path = self.drop / name
        path.write_bytes(bytes(size))
        return path

    async def row(self, path: Path, *states: State, title: str = "", **facts: Any) -> None:
        """Have the file as it is now in the ledger, led through these states."""
        revision = revision_at(bytes(path))
        assert revision is not None
        async with await Ledger.open(self.url) as ledger:
            drop = Drop(path=bytes(path), revision=revision, folder=str(self.drop), title=title)
            row = await ledger.add(drop)
            for state in states:
                row = await ledger.write(row.to(state))
            await ledger.write(row.with_(**facts))

    def explained(self, path: Path, **folder: Any) -> Explanation:
        with read_only(self.url) as reader:
            return explain(self.config(**folder), bytes(path), reader)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


PUBLISHED = (State.UPLOADING, State.FINALIZING, State.PUBLISHED)


def test_a_video_in_a_folder_would_be_taken_without_any_ledger(place: Place) -> None:
    told = explain(place.config(), bytes(place.video()), None)
    assert (told.verdict, told.folder, told.upload) == (Verdict.TAKEN, str(place.drop), None)
    assert told.why == (f"it lies in the watched folder {place.drop}, and its name is a video's",)
    assert told.after == "once published, it stays where it is"
    assert told.fields[0].value == "a"


@pytest.mark.parametrize(
    ("writer", "verdict", "words"),
    [
        (
            Writer.WRITING,
            Verdict.NOT_YET,
            "a writer has it open: it is taken once that is closed and nothing",
        ),
        (Writer.NONE, Verdict.TAKEN, "no writer has it open: it is taken once nothing changed for 10 s"),
        (Writer.UNKNOWN, Verdict.TAKEN, "whether a writer has it open cannot be seen here: it is taken once"),
    ],
)
def test_whether_it_is_finished_as_far_as_one_look_tells(
    place: Place, monkeypatch: pytest.MonkeyPatch, writer: Writer, verdict: Verdict, words: str
) -> None:
    monkeypatch.setattr("okdrop.explain.finishing.look_for_writer", lambda _path: writer)
    told = explain(place.config(), bytes(place.video()), None)
    assert told.verdict is verdict
    assert words in told.settle


def test_when_its_turn_comes(place: Place) -> None:
    told = explain(place.config(priority=5), bytes(place.video()), None)
    assert told.turn == (
        '"oldest" first (upload.order), among files of priority 5 (watch.priority): behind what has begun,'
        " and a higher one"
    )
    assert told.turn in told.as_text()
    assert told.as_json()["turn"] == told.turn
    assert explain(place.config(), bytes(place.video()), None).turn == (
        '"oldest" first (upload.order), behind what has begun'
    )
    assert explain(place.config(), bytes(place.video("a.txt")), None).turn == ""


async def test_what_is_queued_waits_for_its_turn_and_what_is_published_for_none(place: Place) -> None:
    path = place.video()
    await place.row(path)
    assert place.explained(path).turn
    other = place.video("b.mp4")
    await place.row(other, *PUBLISHED)
    assert place.explained(other).turn == ""


def test_a_writer_is_seen_by_the_kernels_word(place: Place) -> None:
    path = place.video()
    lease.prepare()
    with path.open("ab"):
        if lease.look_for_writer(bytes(path)) is Writer.UNKNOWN:
            pytest.skip("no leases here")
        assert explain(place.config(), bytes(path), None).verdict is Verdict.NOT_YET


def test_every_reason_against_is_told_at_once(place: Place) -> None:
    told = explain(place.config(), bytes(place.video(".a.txt", size=0)), None)
    assert told.verdict is Verdict.NOT_TAKEN
    assert [why.split(" ")[1] for why in told.why] == ["name", "name", "cannot"]
    assert told.settle == ""


def test_of_what_is_not_taken_no_more_is_said(place: Place) -> None:
    told = explain(place.config(), bytes(place.video("notes.txt")), None)
    assert told.verdict is Verdict.NOT_TAKEN
    assert (told.after, told.fields, told.told.sidecars) == ("", (), ())
    assert [line.split(":")[0].strip() for line in told.as_text().splitlines()[1:]] == ["verdict", "why"]


def test_a_file_too_small_says_what_becomes_of_it_whole_or_not(place: Place) -> None:
    path = place.drop / "tiny.mp4"
    path.write_bytes(made.MP4[0] + made.box(b"mdat", bytes(5_000))[:-1])
    told = explain(place.config(), bytes(path), None)
    assert told.verdict is Verdict.NOT_TAKEN
    assert told.why[0].startswith("it cannot be sent: the file has only ")
    assert told.why[1] == "once nothing changes in it any more it is noted as failed, and nothing is sent"
    assert told.settle == ""


def test_a_file_that_lies_too_deep_is_said_to(place: Place) -> None:
    (place.drop / "one" / "two").mkdir(parents=True)
    path = place.video("one/two/a.mp4")
    assert explain(place.config(depth=2), bytes(path), None).verdict is Verdict.TAKEN
    told = explain(place.config(depth=1), bytes(path), None)
    assert told.verdict is Verdict.NOT_TAKEN
    assert told.why == (f"it lies 2 folders deep, and [[watch]] {place.drop} looks no deeper than 1 (depth)",)


@pytest.mark.parametrize("name", ["missing.mp4", "folder.mp4", "link.mp4", "pipe.mp4"])
def test_what_is_no_file_is_not_taken_and_never_opened(place: Place, name: str) -> None:
    (place.drop / "folder.mp4").mkdir()
    (place.drop / "link.mp4").symlink_to(place.video())
    os.mkfifo(place.drop / "pipe.mp4")
    told = explain(place.config(), bytes(place.drop / name), None)
    assert (told.verdict, told.fields) == (Verdict.NOT_TAKEN, ())
    assert told.why[0].startswith("it is ")


def test_outside_of_every_folder_a_person_may_still_send_it(place: Place, tmp_path: Path) -> None:
    outside = place.video().rename(tmp_path / "a.mp4")
    told = explain(place.config(), bytes(outside), None)
    assert told.verdict is Verdict.NOT_TAKEN
    assert told.why[-1] == "okdrop upload would send it all the same"


def test_what_a_file_fails_by_is_told_before(place: Place) -> None:
    told = explain(place.config(title="{{ stem * 1 }}"), bytes(place.video()), None)
    assert told.fields == ()
    assert "the template of title cannot be filled in" in told.why[-1]


@pytest.mark.parametrize(
    ("after", "words"),
    [
        ({"after": "delete"}, "once published, it is deleted once OK has processed the video"),
        ({"after": "move", "move_to": "/srv/done"}, "once published, it is moved to /srv/done"),
    ],
)
def test_what_becomes_of_the_file(place: Place, after: dict[str, str], words: str) -> None:
    assert explain(place.config(**after), bytes(place.video()), None).after == words


@pytest.mark.parametrize(
    ("states", "facts", "words"),
    [
        (PUBLISHED, {"ticket": ticket()}, "upload 1: published, video 77, https://ok.ru/video/77"),
        ((State.UPLOADING,), {"received": 10_000}, "upload 1: uploading, 50 % held by OK"),
        (
            (State.FAILED,),
            {"failure": Failure(code="bad_file", message="no")},
            "upload 1: failed: bad_file: no; then: okdrop retry 1",
        ),
        ((State.DUPLICATE,), {"duplicate_of": 1}, "upload 1: published already: the same bytes as upload 1"),
        ((State.CANCELLED,), {}, "upload 1: cancelled; okdrop retry 1 hands it back"),
    ],
)
async def test_a_known_file_is_told_as_the_ledger_knows_it(
    place: Place, states: tuple[State, ...], facts: dict[str, Any], words: str
) -> None:
    path = place.video()
    await place.row(path, *states, **facts)
    told = place.explained(path)
    assert (told.verdict, told.why) == (Verdict.KNOWN, (words,))
    assert told.upload is not None
    assert told.settle == ""


async def test_a_wait_is_told_with_its_reason_and_its_end(place: Place) -> None:
    path = place.video()
    await place.row(path, State.UPLOADING, retry_at=ticket().issued_at, last_trouble="http_503")
    (why,) = place.explained(path).why
    assert why.endswith("; after http_503 it waits until 2030-01-01 12:00:00 UTC")


async def test_a_renamed_file_is_known_by_its_old_name(place: Place) -> None:
    path = place.video()
    await place.row(path, *PUBLISHED, ticket=ticket())
    told = place.explained(path.rename(place.drop / "b.mp4"))
    assert told.verdict is Verdict.KNOWN
    assert told.why[0].startswith(f"it is the file that was {path}, upload 1: published")


@pytest.mark.parametrize(("digest", "words"), [(b"x" * 32, "contents are compared"), (None, "touched since")])
async def test_a_touched_file_is_told_with_what_would_be_done(
    place: Place, digest: bytes | None, words: str
) -> None:
    path = place.video()
    await place.row(path, *PUBLISHED, digest=digest)
    os.utime(path, (1, 1))
    told = place.explained(path)
    assert told.verdict is Verdict.TAKEN
    assert words in told.why[1]


async def test_earlier_revisions_are_named(place: Place) -> None:
    path = place.video()
    await place.row(path, State.FAILED)
    place.video(size=30_000)
    await place.row(path, State.UPLOADING)
    place.video(size=40_000)
    told = place.explained(path)
    assert told.verdict is Verdict.TAKEN
    assert told.why[-1] == "earlier of this path: upload 1 (superseded), upload 2 (uploading)"


async def test_a_file_that_was_named_by_hand_has_the_title_of_then(place: Place) -> None:
    path = place.video()
    await place.row(path, title="Mine")
    assert place.explained(path).fields[0].value == "Mine"


async def test_for_programs_and_for_the_eye_it_says_the_same(place: Place) -> None:
    path = place.video("[red]\udcff\n.mp4")
    await place.row(path, *PUBLISHED, ticket=ticket())
    told = place.explained(path)
    document = json.loads(json.dumps(told.as_json()))
    assert document["path"] == str(path)
    assert (document["verdict"], document["upload"]) == (
        "is known already",
        {"id": 1, "state": "published", "video_id": "77"},
    )
    assert document["metadata"][0] == {
        "field": "title",
        "value": "[red]",
        "source": '`title = "{{ stem }}"`, the default of [[watch]]',
    }
    text = told.as_text()
    assert text.splitlines()[0] == f"{place.drop}/[red]\\xff\\n.mp4"
    assert document["why"][0] in text
    assert "SECRETSIGNATURE" not in text + json.dumps(document)


async def test_what_would_be_taken_waits_beside_a_halted_daemon_and_that_is_said(place: Place) -> None:
    halt = Halt(code="api_102", message="the token has expired", hint="get a new one", since=START)
    words = "everything waits since 2030-01-01 12:00:00 UTC: the token has expired (api_102); get a new one"
    new, sent, gone = place.video("new.mp4"), place.video("sent.mp4", 30_000), place.video("gone.mp4", 40_000)
    await place.row(sent, *PUBLISHED)
    await place.row(gone, State.UPLOADING)
    async with await Ledger.open(place.url) as ledger:
        assert place.explained(new).why[-1] != words
        await ledger.note_halt(halt)
        assert place.explained(new).why[-1] == words
        assert place.explained(gone).why[-1] == words
        assert words not in place.explained(sent).why
        assert words not in place.explained(place.video("no.txt")).why


async def test_what_was_set_aside_and_touched_says_that_this_alone_sends_nothing(place: Place) -> None:
    path = place.video()
    await place.row(path, State.CANCELLED, failure=Failure(code="existing_ignored", message="before"))
    os.utime(path, ns=(1, 1))
    told = place.explained(path)
    assert told.verdict is Verdict.KNOWN
    assert told.why[0] == (
        "upload 1: it lay there before the first start, and was touched since: that alone sends nothing;"
        " okdrop retry 1 sends it"
    )


def test_a_file_that_is_not_whole_would_be_waited_for(place: Place) -> None:
    path = place.drop / "cut.mp4"
    path.write_bytes(made.MP4[0] + made.box(b"mdat", bytes(20_000)) + made.MP4[3][:-1])
    told = place_explained(place, path)
    assert told.verdict is Verdict.NOT_YET
    assert "not whole: its moov box ends 1 byte past the end of the file" in told.settle
    assert "if it stays so for 10 min more, it fails (file_not_whole)" in told.settle
    assert "it is sent as it is" in place_explained(place, path, unfinished="take").settle


def place_explained(place: Place, path: Path, **folder: Any) -> Explanation:
    return explain(place.config(**folder), bytes(path), None)


@pytest.mark.parametrize(
    ("folder", "words"),
    [
        ({}, ""),
        ({"publish_window": "18:00-23:00"}, "within 18:00-23:00 by the local clock (publish_window)"),
        ({"posts_per_day": 3}, "3 of this folder a day at most (posts_per_day)"),
        ({"publish": "friends first"}, "for friends first, until okdrop release"),
        ({"publish": "friends first", "public_after": "1h"}, "for friends first, 1 h later for all"),
    ],
)
def test_when_it_becomes_public_and_for_whom(place: Place, folder: dict[str, Any], words: str) -> None:
    explanation = explain(place.config(**folder), bytes(place.video()), None)
    assert explanation.publishing == words
    assert explanation.as_json()["publishing"] == words
    assert (words in explanation.as_text()) is True


async def test_what_waits_for_its_hours_says_from_when_on_it_is_public(place: Place) -> None:
    video = place.video()
    publication = Publication(closed_by=Closed.WINDOW, opens_at=START)
    states = (State.UPLOADING, State.FINALIZING)
    await place.row(video, *states, publication=publication)
    explanation = place.explained(video, publish_window="12:00-13:00")
    assert explanation.why == (
        "upload 1: finalizing: whole; published from 2030-01-01 12:00 UTC on (publish_window)",
    )
    assert explanation.publishing.startswith("within 12:00-13:00")


async def test_it_is_said_who_publishes_it_and_who_is_halted(place: Place) -> None:
    kids = Halt(code="api_102", message="expired", since=START, account="kids")
    watch = [{"path": str(place.drop), "account": "kids"}]
    variables = {
        "OKDROP_WATCH": json.dumps(watch),
        "OKDROP_LEDGER__URL": place.url,
        "OKDROP_ACCOUNT__KIDS__ACCESS_TOKEN": "hush",
    }
    path = place.video()
    async with await Ledger.open(place.url) as ledger:
        await ledger.note_halt(dataclasses.replace(kids, account=""))
        with read_only(place.url) as reader:
            told = explain(load(None, variables), bytes(path), reader)
        assert (told.account, told.as_json()["account"]) == ("kids", "kids")
        assert "  account:     kids" in told.as_text()
        assert not any("waits since" in why for why in told.why)
        await ledger.note_halt(kids)
        with read_only(place.url) as reader:
            told = explain(load(None, variables), bytes(path), reader)
        assert told.why[-1].startswith("everything of the account kids waits since ")
    assert "hush" not in told.as_text()

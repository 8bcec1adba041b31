"""Who may see a video never becomes more by what nobody asked for."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from okdrop.config.window import PublishWindow
from okdrop.drop import State
from okdrop.ledger import orders
from okdrop.metadata import Metadata, Origin, Privacy, Settings, Source
from okdrop.pipeline.neighbours import Neighbours
from okdrop.pipeline.posting import Posting, Postings
from okdrop.pipeline.teller import Teller
from okdrop.pipeline.telling import fingerprint_of, floor_of, recalled, words_of
from pipeline.test_neighbours import rounds
from pipeline.test_teller import FRIENDS_FIRST, HOUR, SECOND, WITH_COVER, ordered, tell, templates, video

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.bench import Bench

FOR_FRIENDS = Settings(privacy=Privacy.FRIENDS, settle=0.0)
FOR_ALL = Settings(settle=0.0)


def says(bench: Bench, name: str = "a.json", **fields: str) -> Path:
    path = bench.folder / name
    path.write_text(json.dumps(fields))
    return path


def leaves_configuration(bench: Bench) -> None:
    """The folder's table is taken out, or its path is spelt anew, and the daemon started again."""
    bench.parts.folders.pop(str(bench.folder))
    bench.parts.folders.setdefault("", Settings())
    anywhere = Posting(cover=True, update_within=7 * 86400.0)
    object.__setattr__(bench.parts, "posting", Postings(folders={"": anywhere}))
    bench.teller, bench.neighbours = Teller(bench.parts), Neighbours(bench.parts)


async def test_a_folder_that_leaves_the_configuration_makes_no_video_public(set_up: Any) -> None:
    bench = await set_up(posting=WITH_COVER, stays=True, settings=FOR_FRIENDS)
    row = await bench.done()
    leaves_configuration(bench)
    says(bench, description="a word put right")
    await rounds(bench, row.id, 3)
    await ordered(bench, orders.renew, row.id)
    await tell(bench, row.id)
    assert video(bench)["privacy"] == "FRIENDS"


async def test_what_is_whole_when_its_folder_leaves_the_configuration_is_for_friends(set_up: Any) -> None:
    bench = await set_up(stays=True, settings=FOR_FRIENDS)
    row = await bench.whole()
    leaves_configuration(bench)
    await bench.finalizer.publish(row.id)
    assert video(bench)["privacy"] == "FRIENDS"
    assert "is not watched any more" in (await bench.ledger.history(row.id))[-1].note


async def test_a_folder_that_is_for_all_from_now_on_changes_no_older_video(set_up: Any) -> None:
    bench = await set_up(posting=WITH_COVER, stays=True, settings=FOR_FRIENDS)
    row = await bench.done()
    templates(bench, privacy=Privacy.PUBLIC)
    says(bench, description="a word put right")
    await rounds(bench, row.id, 3)
    assert (video(bench)["privacy"], video(bench)["description"]) == ("FRIENDS", "a word put right")


async def test_a_text_of_the_next_recording_makes_this_one_not_public(set_up: Any) -> None:
    bench = await set_up(posting=WITH_COVER, stays=True, settings=FOR_ALL)
    says(bench, privacy="friends")
    row = await bench.done()
    says(bench, title="the next", privacy="public")
    await rounds(bench, row.id, 3)
    assert video(bench)["privacy"] == "FRIENDS"
    await ordered(bench, orders.renew, row.id)
    await tell(bench, row.id)
    assert video(bench)["privacy"] == "PUBLIC"  # a person asked


async def test_of_two_texts_the_stricter_one_is_deleted_and_nothing_becomes_public(set_up: Any) -> None:
    bench = await set_up(posting=WITH_COVER, stays=True, settings=FOR_ALL)
    says(bench, privacy="public")
    stricter = says(bench, "a.mp4.json", privacy="friends")
    row = await bench.done()
    stricter.unlink()
    await rounds(bench, row.id, 3)
    assert video(bench)["privacy"] == "FRIENDS"


async def test_a_draft_that_may_have_been_told_is_repeated_as_a_draft(set_up: Any) -> None:
    bench = await set_up(posting=FRIENDS_FIRST, stays=True, settings=FOR_ALL)
    row = await bench.whole()
    with bench.faults.active("lost_api_answer", method="video.update", times=1):
        await bench.finalizer.publish(row.id)
    object.__setattr__(bench.parts, "posting", Postings(folders={str(bench.folder): Posting()}))
    bench.clock.ahead += HOUR
    await bench.finalizer.publish(row.id)
    assert (await bench.row(row.id)).state is State.PUBLISHED
    assert video(bench)["privacy"] == "FRIENDS"
    await ordered(bench, orders.release, row.id)
    await tell(bench, row.id)
    assert video(bench)["privacy"] == "PUBLIC"


async def test_a_text_that_breaks_after_an_update_fails_nothing(set_up: Any) -> None:
    """It may be public already, and then "not published" would be no true word."""
    bench = await set_up(stays=True, settings=FOR_ALL)
    text, row = says(bench, title="T"), await bench.whole()
    with bench.faults.active("lost_api_answer", method="video.update", times=1):
        await bench.finalizer.publish(row.id)
    text.write_text('{"title": ')
    bench.clock.ahead += HOUR
    await bench.finalizer.publish(row.id)
    assert (await bench.row(row.id)).state is State.PUBLISHED
    assert video(bench)["title"] == "T"


@pytest.mark.parametrize("gone", [("a.json",), ("a.json", "a.mp4")])
async def test_a_text_that_goes_while_its_video_waits_for_its_hours_is_kept(
    set_up: Any, gone: tuple[str, ...]
) -> None:
    bench = await set_up(stays=True, settings=FOR_ALL)
    says(bench, title="T", privacy="friends")
    row = await bench.whole()
    for name in gone:
        (bench.folder / name).unlink()
    await bench.finalizer.publish(row.id)
    assert video(bench)["privacy"] == "FRIENDS"
    assert video(bench)["title"] == ("T" if "a.mp4" in gone else "a")


async def test_a_text_that_came_after_the_bytes_and_goes_again_is_kept_too(set_up: Any) -> None:
    bench = await set_up(posting=Posting(window=closed_now()), stays=True, settings=FOR_ALL)
    row = await bench.whole()
    text = says(bench, privacy="friends")
    await bench.finalizer.publish(row.id)
    assert (await bench.row(row.id)).publication.closed_by is not None
    text.unlink()
    object.__setattr__(bench.parts, "posting", Postings(folders={str(bench.folder): Posting()}))
    await bench.finalizer.publish(row.id)
    assert video(bench)["privacy"] == "FRIENDS"


def closed_now() -> PublishWindow:
    """Hours that are never now."""

    class Closed(PublishWindow):
        def next_opening(self, now: Any, zone: Any = None) -> Any:  # noqa: ARG002 - the hours do not matter
            return now + timedelta(hours=1)

    return Closed(())


@pytest.mark.parametrize("ahead", [400 * 86400.0, -400 * 86400.0])
async def test_a_clock_that_is_set_meanwhile_makes_no_draft_public_early(set_up: Any, ahead: float) -> None:
    bench = await set_up(posting=dataclasses.replace(FRIENDS_FIRST, public_after=HOUR), settings=FOR_ALL)
    row = await bench.whole()
    bench.clock.set_by = ahead
    await bench.finalizer.publish(row.id)
    await tell(bench, row.id)
    bench.clock.set_by = 0.0
    await bench.teller.mend_times()
    await tell(bench, row.id)
    assert video(bench)["privacy"] == "FRIENDS"
    bench.clock.ahead += HOUR + SECOND
    await tell(bench, row.id)
    assert video(bench)["privacy"] == "PUBLIC"


def test_words_are_recalled_as_they_were_with_who_said_for_whom() -> None:
    by_text = {"privacy": Source(origin=Origin.SIDECAR)}
    told = Metadata(title="T", description="D", tags=("a",), privacy=Privacy.FRIENDS, sources=by_text)
    again = recalled(words_of(told))
    assert (again, fingerprint_of(again)) == (told, fingerprint_of(told))
    assert fingerprint_of(dataclasses.replace(told, sources={})) != fingerprint_of(told)


@pytest.mark.parametrize("privacy", list(Privacy))
def test_of_words_that_failed_only_for_whom_they_were_is_kept(privacy: Privacy) -> None:
    kept = floor_of(words_of(Metadata(title="T", description="D", tags=(), privacy=privacy)))
    if privacy is Privacy.PUBLIC:
        assert kept == ""
    else:
        assert (recalled(kept).title, recalled(kept).privacy) == ("", Privacy.FRIENDS)
    assert floor_of("") == ""

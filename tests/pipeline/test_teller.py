"""What OK is told of a video after it was published: who may see it, other words, its cover."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from okdrop import events
from okdrop.drop import State
from okdrop.ledger import Ledger, orders
from okdrop.metadata import Metadata, Privacy, Settings
from okdrop.pipeline import covers
from okdrop.pipeline.belonging import look_beside_of
from okdrop.pipeline.posting import Posting
from okdrop.pipeline.publishing import published
from okdrop.pipeline.teller import Teller
from okdrop.pipeline.telling import STAYS_WITH_FRIENDS, beside_of
from okdrop.publication import CoverState, Draft, Renew
from pipeline.bench import Bench, shared_threads_hang, until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

HOUR = 3600.0
SECOND = 1.0
"""How exactly OK tells the time."""

UPDATE, PHOTO_URL, PHOTO = "video.update", "photosV2.getUploadUrl", "photo.upload"
JPEG = b"\xff\xd8\xff\xe0" + bytes(2000) + b"\xff\xd9"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(90_000) + b"IEND\xaeB\x60\x82"
FRIENDS_FIRST = Posting(friends_first=True)
WITH_COVER = Posting(cover=True, update_within=24 * HOUR)


def image(bench: Bench, name: str = "a.jpg", data: bytes = JPEG) -> str:
    (bench.folder / name).write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def video(bench: Bench) -> dict[str, Any]:
    (found,) = bench.published
    return found


def calls(bench: Bench, method: str) -> int:
    count: int = bench.emulator.summary()["calls"].get(method, 0)
    return count


def templates(bench: Bench, **changes: Any) -> None:
    """The folder says other things of its videos from now on."""
    folder = str(bench.folder)
    folders = cast("dict[str, Settings]", bench.parts.folders)
    folders[folder] = dataclasses.replace(folders[folder], **changes)


async def ordered(bench: Bench, order: Callable[[Ledger, int], Awaitable[Any]], number: int) -> Any:
    """What a person says by another command."""
    async with await Ledger.open(bench.ledger_url, lock=False, now=bench.clock.now) as other:
        return await order(other, number)


async def tell(bench: Bench, number: int) -> None:
    """One round of the stage; what is not due is left."""
    due = await bench.ledger.to_be_told(bench.clock.now(), at_most=9)
    assert due in ([], [number])
    await bench.teller.round()


# --- friends first ----------------------------------------------------------------------------------------


async def test_friends_see_it_first_and_then_everybody_by_a_persons_word(set_up: Any) -> None:
    bench = await set_up(posting=FRIENDS_FIRST)
    row = await bench.done()
    assert (video(bench)["privacy"], row.publication.draft) == ("FRIENDS", Draft.FRIENDS)
    await tell(bench, row.id)
    assert video(bench)["privacy"] == "FRIENDS"
    assert (await ordered(bench, orders.release, row.id)).done
    await tell(bench, row.id)
    row = await bench.row(row.id)
    assert (video(bench)["privacy"], video(bench)["updates"]) == ("PUBLIC", 2)
    assert (row.publication.draft, row.publication.tell_at, row.publication.words) == (None, None, "")
    assert [told.upload for told in bench.told(events.VideoReleased)] == [row.id]
    assert not (await ordered(bench, orders.release, row.id)).done


async def test_it_becomes_public_by_itself_when_its_time_comes(set_up: Any) -> None:
    bench = await set_up(posting=dataclasses.replace(FRIENDS_FIRST, public_after=HOUR))
    row = await bench.done()
    await tell(bench, row.id)
    assert video(bench)["privacy"] == "FRIENDS"
    bench.clock.ahead += HOUR
    await tell(bench, row.id)
    assert video(bench)["privacy"] == "PUBLIC"


async def test_a_release_renames_nothing(set_up: Any) -> None:
    bench = await set_up(posting=FRIENDS_FIRST, settings=Settings(description="{{ stem }} 1", tags=("x",)))
    row = await bench.done()
    templates(bench, title="another", description="", tags=())
    await ordered(bench, orders.release, row.id)
    await tell(bench, row.id)
    told = video(bench)
    assert (told["title"], told["description"], told["tags"]) == ("a", "a 1", "x")
    assert told["privacy"] == "PUBLIC"


async def test_what_is_for_friends_anyway_is_no_draft(set_up: Any) -> None:
    bench = await set_up(posting=FRIENDS_FIRST, settings=Settings(privacy=Privacy.FRIENDS))
    row = await bench.done()
    assert (row.publication.draft, row.publication.words) == (None, "")


async def test_a_lost_answer_is_repeated_and_a_restart_goes_on(set_up: Any) -> None:
    bench = await set_up(posting=FRIENDS_FIRST)
    row = await bench.done()
    await ordered(bench, orders.release, row.id)
    with bench.faults.active("lost_api_answer", method=UPDATE, times=1):
        await tell(bench, row.id)
    row = await bench.row(row.id)
    assert (row.state, row.publication.draft) == (State.PUBLISHED, Draft.RELEASE)
    assert [told.code for told in bench.told(events.ChoreTrouble)] == ["api_no_answer"]
    bench.clock.ahead += HOUR
    bench.teller = Teller(bench.parts)
    await tell(bench, row.id)
    assert (await bench.row(row.id)).publication.draft is None
    assert video(bench)["updates"] == 3


async def test_a_release_that_ok_refuses_waits_for_a_person_again(set_up: Any) -> None:
    bench = await set_up(posting=dataclasses.replace(FRIENDS_FIRST, public_after=HOUR))
    row = await bench.done()
    bench.clock.ahead += HOUR
    with bench.faults.active("api_error", code=454, method=UPDATE, times=1):
        await tell(bench, row.id)
    row = await bench.row(row.id)
    assert (row.state, row.publication.draft, row.publication.tell_at) == (
        State.PUBLISHED,
        Draft.FRIENDS,
        None,
    )
    (told,) = bench.told(events.VideoNotTold)
    assert told.code == "text_refused"
    await ordered(bench, orders.release, row.id)
    await tell(bench, row.id)
    assert video(bench)["privacy"] == "PUBLIC"


async def test_of_a_video_that_is_gone_nothing_more_is_told(set_up: Any) -> None:
    bench = await set_up(posting=FRIENDS_FIRST)
    row = await bench.done()
    await ordered(bench, orders.release, row.id)
    with bench.faults.active("api_error", code=300, method=UPDATE):
        await tell(bench, row.id)
    row = await bench.row(row.id)
    assert (row.state, row.publication.draft, row.publication.tell_at) == (State.PUBLISHED, None, None)


async def test_of_one_that_failed_afterwards_nothing_is_told(set_up: Any) -> None:
    bench = await set_up(posting=FRIENDS_FIRST)
    row = await bench.done()
    await ordered(bench, orders.release, row.id)
    await bench.orders(row.id, State.FAILED)
    await tell(bench, row.id)
    assert video(bench)["privacy"] == "FRIENDS"
    assert await bench.ledger.to_be_told(bench.clock.now(), at_most=9) == []


async def test_dead_credentials_halt_nobody_and_are_tried_again(set_up: Any) -> None:
    bench = await set_up(posting=FRIENDS_FIRST, stays=True)
    row = await bench.done()
    await ordered(bench, orders.release, row.id)
    with bench.faults.active("api_error", code=102, method=UPDATE, times=1):
        await tell(bench, row.id)
    assert bench.parts.brake.halted is None
    bench.clock.ahead += HOUR
    await tell(bench, row.id)
    assert video(bench)["privacy"] == "PUBLIC"


async def test_a_time_that_was_noted_by_a_clock_ahead_is_as_long_as_was_meant(set_up: Any) -> None:
    bench = await set_up(posting=dataclasses.replace(FRIENDS_FIRST, public_after=HOUR))
    bench.clock.set_by = 400 * 24 * HOUR
    row = await bench.done()
    bench.clock.set_by = 0.0
    await bench.teller.mend_times()
    row = await bench.row(row.id)
    assert row.publication.tell_at is not None
    assert row.publication.tell_at == row.publication.public_at
    assert timedelta(0) < row.publication.tell_at - bench.clock.now() <= timedelta(seconds=HOUR)
    bench.clock.ahead += HOUR + SECOND
    await tell(bench, row.id)
    assert video(bench)["privacy"] == "PUBLIC"


async def test_a_run_that_ends_tells_what_was_ordered_under_a_clock_ahead(set_up: Any) -> None:
    bench = await set_up(posting=FRIENDS_FIRST)
    row = await bench.done()
    bench.clock.ahead += 400 * 24 * HOUR
    await ordered(bench, orders.release, row.id)
    bench.clock.ahead -= 400 * 24 * HOUR
    await bench.teller.run_to_the_end()
    assert video(bench)["privacy"] == "PUBLIC"


async def test_a_clock_that_is_set_back_while_it_runs_holds_nothing_up(
    set_up: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("okdrop.pipeline.teller.LOOK_EVERY", 0.001)
    bench = await set_up(posting=FRIENDS_FIRST, stays=True)
    row = await bench.done()
    bench.clock.ahead += 400 * 24 * HOUR
    bench.faults.set("api_error", code=9999, method=UPDATE)
    task = asyncio.ensure_future(bench.teller.run())
    await ordered(bench, orders.release, row.id)
    await until(lambda: bool(bench.told(events.ChoreTrouble)))
    bench.clock.ahead -= 400 * 24 * HOUR
    bench.faults.clear()
    await until(lambda: video(bench)["privacy"] == "PUBLIC")
    task.cancel()
    await asyncio.wait({task})


async def test_a_clock_that_was_ahead_for_a_while_makes_nothing_public_early(set_up: Any) -> None:
    bench = await set_up(posting=dataclasses.replace(FRIENDS_FIRST, public_after=48 * HOUR))
    row = await bench.done()
    bench.clock.ahead += 24 * HOUR
    row = await bench.ledger.write(row.with_(chore=None))
    bench.clock.ahead -= 24 * HOUR
    await bench.teller.mend_times()
    assert (await bench.row(row.id)).publication.public_at == row.publication.public_at


async def test_the_stage_finds_what_another_process_ordered(
    set_up: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("okdrop.pipeline.teller.LOOK_EVERY", 0.001)
    bench = await set_up(posting=FRIENDS_FIRST, stays=True)
    row = await bench.done()
    task = asyncio.ensure_future(bench.teller.run())
    await ordered(bench, orders.release, row.id)
    await until(lambda: video(bench)["privacy"] == "PUBLIC")
    task.cancel()
    await asyncio.wait({task})


async def test_a_run_that_ends_tells_what_is_due_once_and_ends(set_up: Any) -> None:
    bench = await set_up(posting=FRIENDS_FIRST)
    rows = [await bench.done(f"{number}.mp4", 65_536 + number) for number in range(6)]
    for row in rows:
        await ordered(bench, orders.release, row.id)
    with bench.faults.active("api_error", code=9999, method=UPDATE, times=1):
        await bench.teller.run_to_the_end()
    privacies = sorted(one["privacy"] for one in bench.published)
    assert privacies == ["FRIENDS", *["PUBLIC"] * 5]


# --- other words ------------------------------------------------------------------------------------------


async def test_a_person_has_the_metadata_told_as_it_comes_to_now(set_up: Any) -> None:
    bench = await set_up(settings=Settings(description="old", tags=("old",)))
    row = await bench.done()
    templates(bench, title="New {{ stem }}", description="", tags=())
    assert (await ordered(bench, orders.renew, row.id)).done
    await tell(bench, row.id)
    told = video(bench)
    assert (told["title"], told["description"], told["tags"]) == ("New a", "", "")
    assert [one.upload for one in bench.told(events.VideoUpdated)] == [row.id]
    assert (await bench.row(row.id)).publication.renew is None


async def test_what_is_as_it_was_told_is_not_told_again(set_up: Any) -> None:
    bench = await set_up()
    row = await bench.done()
    await ordered(bench, orders.renew, row.id)
    await tell(bench, row.id)
    assert (video(bench)["updates"], (await bench.row(row.id)).publication.tell_at) == (1, None)


async def test_a_draft_that_is_updated_stays_one(set_up: Any) -> None:
    bench = await set_up(posting=FRIENDS_FIRST)
    row = await bench.done()
    templates(bench, title="New")
    await ordered(bench, orders.renew, row.id)
    await tell(bench, row.id)
    assert (video(bench)["title"], video(bench)["privacy"]) == ("New", "FRIENDS")
    templates(bench, title="Newer")
    await ordered(bench, orders.release, row.id)
    await tell(bench, row.id)
    assert (video(bench)["title"], video(bench)["privacy"]) == ("New", "PUBLIC")


async def test_words_that_ok_refuses_leave_the_video_as_it_is(set_up: Any) -> None:
    bench = await set_up()
    row = await bench.done()
    templates(bench, title="Refused")
    await ordered(bench, orders.renew, row.id)
    with bench.faults.active("api_error", code=454, method=UPDATE):
        await tell(bench, row.id)
    row = await bench.row(row.id)
    assert (row.state, row.publication.renew, video(bench)["title"]) == (State.PUBLISHED, None, "a")
    assert len(bench.told(events.VideoNotTold)) == 1


async def test_not_taken_is_tried_again_but_not_for_ever(set_up: Any) -> None:
    bench = await set_up()
    row = await bench.done()
    templates(bench, title="New")
    await ordered(bench, orders.renew, row.id)
    with bench.faults.active("api_error", code=100, method=UPDATE) as fault:
        while (await bench.row(row.id)).publication.renew is Renew.ASKED:
            await tell(bench, row.id)
            bench.clock.ahead += HOUR
    assert fault.fired == 10


@pytest.mark.parametrize("within", [0.0, HOUR])
@pytest.mark.parametrize("becomes", [None, "{}", '{"privacy": "public"}'])
async def test_what_a_text_put_before_friends_alone_becomes_public_by_a_text_alone(
    set_up: Any, becomes: str | None, within: float
) -> None:
    bench = await set_up(posting=Posting(update_within=within), settings=Settings(settle=0.0))
    sidecar = bench.folder / "a.json"
    sidecar.write_text('{"title": "mine", "privacy": "friends"}')
    row = await bench.done()
    assert video(bench)["privacy"] == "FRIENDS"
    sidecar.unlink()
    if becomes is not None:
        sidecar.write_text(becomes)
    for number in range(2):
        templates(bench, title=f"without it {number}")
        await ordered(bench, orders.renew, row.id)
        await tell(bench, row.id)
        assert (await bench.ledger.history(row.id))[-1].note.endswith(STAYS_WITH_FRIENDS) is (
            becomes != '{"privacy": "public"}'
        )
    assert video(bench)["title"] == "without it 1"
    assert video(bench)["privacy"] == ("PUBLIC" if becomes == '{"privacy": "public"}' else "FRIENDS")


async def test_what_its_folder_put_before_friends_alone_becomes_public_by_its_folder(set_up: Any) -> None:
    bench = await set_up(settings=Settings(privacy=Privacy.FRIENDS))
    row = await bench.done()
    templates(bench, privacy=Privacy.PUBLIC)
    await ordered(bench, orders.renew, row.id)
    await tell(bench, row.id)
    assert video(bench)["privacy"] == "PUBLIC"


@pytest.mark.parametrize("after", [0.0, HOUR])
async def test_what_was_for_friends_and_is_for_all_by_now_is_a_draft_first(set_up: Any, after: float) -> None:
    posting = dataclasses.replace(FRIENDS_FIRST, public_after=after)
    bench = await set_up(posting=posting, settings=Settings(privacy=Privacy.FRIENDS))
    row = await bench.done()
    assert row.publication.draft is None
    templates(bench, privacy=Privacy.PUBLIC)
    await ordered(bench, orders.renew, row.id)
    await tell(bench, row.id)
    assert (video(bench)["privacy"], (await bench.row(row.id)).publication.draft) == (
        "FRIENDS",
        Draft.FRIENDS,
    )
    if after:
        bench.clock.ahead += after + SECOND
    else:
        await ordered(bench, orders.release, row.id)
    await tell(bench, row.id)
    assert (video(bench)["privacy"], (await bench.row(row.id)).publication.draft) == ("PUBLIC", None)
    templates(bench, title="it was released, and stays so")
    await ordered(bench, orders.renew, row.id)
    await tell(bench, row.id)
    assert (video(bench)["title"], video(bench)["privacy"]) == ("it was released, and stays so", "PUBLIC")


# --- the cover --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.jpg", "a.mp4.jpg", "a-poster.jpg", "a.JPEG", "a.png"])
async def test_an_image_beside_the_video_becomes_its_cover(set_up: Any, name: str) -> None:
    bench = await set_up(posting=WITH_COVER)
    digest = image(bench, name, PNG)  # by its bytes, whatever its name says
    row = await bench.done()
    assert (video(bench)["cover"], row.state) == ("", State.PUBLISHED)
    await tell(bench, row.id)
    row = await bench.row(row.id)
    assert video(bench)["cover"] == digest
    assert row.publication.cover is not None
    assert (row.publication.cover.state, row.publication.cover.token) == (CoverState.SET, "")
    assert (row.publication.tell_at, row.publication.words != "") == (None, True)  # another may come
    assert video(bench)["title"] == "a"
    assert len(bench.told(events.CoverSet)) == 1


async def test_no_cover_where_the_folder_wants_none(set_up: Any) -> None:
    bench = await set_up(posting=Posting(cover=False))
    image(bench)
    row = await bench.done()
    assert row.publication.cover is None
    await tell(bench, row.id)
    assert calls(bench, PHOTO_URL) == 0


async def test_what_ok_holds_is_not_sent_again_after_a_crash(set_up: Any) -> None:
    bench = await set_up(posting=WITH_COVER)
    digest = image(bench)
    row = await bench.done()
    with bench.faults.active("lost_api_answer", method=UPDATE, times=1):
        await tell(bench, row.id)
    held = bench.written(row.id).publication.cover
    assert held is not None
    assert (held.state, held.token != "") == (CoverState.HELD, True)
    bench.teller = Teller(bench.parts)
    (bench.folder / "a.jpg").unlink()
    bench.clock.ahead += HOUR
    await tell(bench, row.id)
    assert (video(bench)["cover"], calls(bench, PHOTO)) == (digest, 1)


async def test_a_token_that_is_too_old_is_renewed_once(set_up: Any) -> None:
    bench = await set_up(posting=WITH_COVER)
    digest = image(bench)
    row = await bench.done()
    with bench.faults.active("lost_api_answer", method=UPDATE, times=1):
        await tell(bench, row.id)
    bench.teller = Teller(bench.parts)
    bench.clock.ahead += HOUR
    with bench.faults.active("api_error", code=121, method=UPDATE, times=1):
        await tell(bench, row.id)
    await tell(bench, row.id)
    assert (video(bench)["cover"], calls(bench, PHOTO)) == (digest, 2)


@pytest.mark.parametrize(
    ("method", "code"), [(PHOTO_URL, 10), (PHOTO_URL, 200), (PHOTO, 500), (PHOTO, 100), (UPDATE, 121)]
)
async def test_a_cover_that_ok_refuses_is_said_and_is_not_the_videos_trouble(
    set_up: Any, method: str, code: int
) -> None:
    bench = await set_up(posting=WITH_COVER, stays=True)
    image(bench)
    row = await bench.done()
    with bench.faults.active("api_error", code=code, method=method):
        await tell(bench, row.id)
    row = await bench.row(row.id)
    assert (row.state, row.failure, row.publication.tell_at) == (State.PUBLISHED, None, None)
    assert row.publication.cover is not None
    assert row.publication.cover.state is CoverState.REFUSED
    assert len(bench.told(events.VideoNotTold)) == 1
    assert bench.parts.brake.halted is None
    # A person may have it tried again.
    await ordered(bench, orders.renew, row.id)
    await tell(bench, row.id)
    assert video(bench)["cover"] != ""


@pytest.mark.parametrize("fault", ["error_503", "lost_api_answer", "error_500_after_storing", "garbage"])
@pytest.mark.parametrize("method", [PHOTO_URL, PHOTO])
async def test_passing_trouble_with_a_cover_is_tried_again(set_up: Any, method: str, fault: str) -> None:
    bench = await set_up(posting=WITH_COVER)
    digest = image(bench)
    row = await bench.done()
    with bench.faults.active(fault, method=method, times=1):
        await tell(bench, row.id)
    assert video(bench)["cover"] == ""
    bench.clock.ahead += 2 * HOUR
    await tell(bench, row.id)
    assert video(bench)["cover"] == digest


async def test_an_image_that_is_broken_is_said_at_once(set_up: Any) -> None:
    bench = await set_up(posting=WITH_COVER)
    image(bench, data=b"GIF89a, or some other text")
    row = await bench.done()
    await tell(bench, row.id)
    (told,) = bench.told(events.VideoNotTold)
    assert "no JPEG, PNG or WebP" in told.reason
    assert calls(bench, PHOTO_URL) == 0


async def test_an_image_that_is_half_copied_is_waited_for_a_while(set_up: Any) -> None:
    bench = await set_up(posting=WITH_COVER)
    image(bench, data=JPEG[:-2])
    row = await bench.done()
    await tell(bench, row.id)
    digest = image(bench)
    bench.clock.ahead += HOUR
    await tell(bench, row.id)
    assert video(bench)["cover"] == digest


async def test_an_image_that_stays_half_is_given_up(set_up: Any) -> None:
    bench = await set_up(posting=WITH_COVER)
    image(bench, data=JPEG[:-2])
    row = await bench.done()
    for _ in range(5):
        await tell(bench, row.id)
        bench.clock.ahead += HOUR
    cover = (await bench.row(row.id)).publication.cover
    assert cover is not None
    assert cover.state is CoverState.REFUSED


async def test_an_image_that_is_gone_or_a_pipe_or_a_link_by_then_is_said(set_up: Any) -> None:
    bench = await set_up(posting=WITH_COVER)
    for number, name in enumerate(["gone", "pipe", "link"]):
        image(bench, f"{name}.jpg")
        row = await bench.done(f"{name}.mp4", 65_536 + number)
        await bench.ledger.write(row.with_(chore=None))
        path = bench.folder / f"{name}.jpg"
        path.unlink()
        if name == "pipe":
            os.mkfifo(path)
        elif name == "link":
            path.symlink_to("/etc/hostname")
        await tell(bench, row.id)
    assert [told.code for told in bench.told(events.VideoNotTold)] == ["image_unfit"] * 3


@pytest.mark.parametrize("is_back", [True, False])
async def test_an_image_that_is_not_seen_while_the_file_is_moved_is_looked_for_again(
    set_up: Any, *, is_back: bool
) -> None:
    bench = await set_up(posting=WITH_COVER)
    digest = image(bench)
    row = await bench.done()
    assert row.chore is not None
    path = bench.folder / "a.mp4"
    cover_beside = bench.folder / "a.jpg"
    for one in (path, cover_beside):
        one.rename(one.with_name(f"{one.name}.on-its-way"))
    await tell(bench, row.id)
    assert bench.told(events.VideoNotTold) == []
    if is_back:
        for one in (path, cover_beside):
            one.with_name(f"{one.name}.on-its-way").rename(one)
    for _ in range(4):
        bench.clock.ahead += HOUR
        await tell(bench, row.id)
    cover = (await bench.row(row.id)).publication.cover
    assert cover is not None
    assert (cover.state, video(bench)["cover"]) == (
        (CoverState.SET, digest) if is_back else (CoverState.REFUSED, "")
    )


async def test_an_image_outlives_the_text_that_was_deleted_with_the_file(set_up: Any) -> None:
    bench = await set_up(posting=WITH_COVER, stays=True, settings=Settings(settle=0.0))
    (bench.folder / "a.json").write_text('{"title": "x"}')
    digest = image(bench)
    row = await bench.done()
    await bench.ledger.write(row.with_(chore=None))
    for name in ("a.mp4", "a.json"):
        (bench.folder / name).unlink()
    await tell(bench, row.id)
    assert (video(bench)["cover"], video(bench)["title"]) == (digest, "x")
    assert bench.told(events.VideoNotTold) == []


async def test_a_cover_goes_on_while_every_thread_that_all_share_hangs(set_up: Any) -> None:
    bench = await set_up(posting=WITH_COVER)
    image(bench)
    row = await bench.whole()
    with shared_threads_hang():
        async with asyncio.timeout(10):
            beside = await beside_of(bench.parts, row)
            publication = await published(bench.parts, row, Metadata(title="a"), beside)
            photo = await covers.bring(bench.parts, row)
    assert publication.cover is not None
    assert photo.photo_id
    assert beside == bytes(look_beside_of(row))


async def test_a_draft_with_a_cover_stays_a_draft_and_is_released_in_its_time(set_up: Any) -> None:
    posting = dataclasses.replace(WITH_COVER, friends_first=True, public_after=HOUR)
    bench = await set_up(posting=posting)
    digest = image(bench)
    row = await bench.done()
    await tell(bench, row.id)
    assert (video(bench)["cover"], video(bench)["privacy"]) == (digest, "FRIENDS")
    bench.clock.ahead += HOUR
    await tell(bench, row.id)
    assert (video(bench)["cover"], video(bench)["privacy"]) == (digest, "PUBLIC")


async def test_no_token_is_ever_told(set_up: Any) -> None:
    bench = await set_up(posting=WITH_COVER)
    image(bench)
    row = await bench.done()
    with bench.faults.active("lost_api_answer", method=UPDATE, times=1):
        await tell(bench, row.id)
    cover = bench.written(row.id).publication.cover
    assert cover is not None
    told = repr(bench.events) + repr(await bench.ledger.history(row.id)) + repr(cover)
    assert cover.token not in told

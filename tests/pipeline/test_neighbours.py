"""What changes beside a published file is told, once it is settled; a changed template is not."""

from __future__ import annotations

import dataclasses
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from okdrop import events
from okdrop.config.watch import After
from okdrop.drop import Chore
from okdrop.ledger import Ledger, orders
from okdrop.metadata import Settings
from okdrop.pipeline.posting import Posting, Postings
from pipeline.test_teller import HOUR, JPEG, WITH_COVER, calls, image, ordered, tell, templates, video

if TYPE_CHECKING:
    from pipeline.bench import Bench

GET_URL = "photosV2.getUploadUrl"


async def rounds(bench: Bench, number: int, count: int = 2) -> None:
    for _ in range(count):
        await bench.neighbours.round()
    await tell(bench, number)


async def published(set_up: Any, *, posting: Posting = WITH_COVER) -> tuple[Bench, int]:
    bench = await set_up(posting=posting, stays=True)
    row = await bench.done()
    return bench, row.id


async def test_a_text_that_comes_beside_it_has_the_metadata_told_anew(set_up: Any) -> None:
    bench, number = await published(set_up)
    (bench.folder / "a.json").write_text("{}")
    templates(bench, title="as it comes to with that text")
    await rounds(bench, number)
    assert (video(bench)["title"], video(bench)["updates"]) == ("as it comes to with that text", 2)
    await rounds(bench, number, 4)
    assert video(bench)["updates"] == 2


async def test_a_sidecar_that_changes_after_publishing_renames_the_video(set_up: Any) -> None:
    bench = await set_up(posting=WITH_COVER, stays=True, settings=Settings(settle=0.0))
    (bench.folder / "a.json").write_text('{"title": "before", "tags": ["x"]}')
    row = await bench.done()
    assert (video(bench)["title"], video(bench)["tags"]) == ("before", "x")
    (bench.folder / "a.json").write_text('{"title": "afterwards"}')
    await rounds(bench, row.id)
    assert (video(bench)["title"], video(bench)["tags"], video(bench)["updates"]) == ("afterwards", "", 2)
    history = [entry.note for entry in await bench.ledger.history(row.id)]
    assert history[-1] == "the metadata was told anew; described by a.json"
    # One that names the whole file goes before it, and is a text beside it as well.
    (bench.folder / "a.mp4.json").write_text('{"title": "at last"}')
    await rounds(bench, row.id)
    assert (video(bench)["title"], video(bench)["updates"]) == ("at last", 3)
    await rounds(bench, row.id, 4)
    assert video(bench)["updates"] == 3


async def test_a_sidecar_that_breaks_after_publishing_is_told_of_once_until_it_is_mended(set_up: Any) -> None:
    bench = await set_up(posting=WITH_COVER, stays=True, settings=Settings(settle=0.0))
    (bench.folder / "a.json").write_text('{"title": "before"}')
    row = await bench.done()
    (bench.folder / "a.json").write_text('{"title": ')
    for _ in range(4):
        await rounds(bench, row.id)
    assert [told.code for told in bench.told(events.VideoNotTold)] == ["sidecar_broken"]
    assert (video(bench)["title"], video(bench)["updates"]) == ("before", 1)
    (bench.folder / "a.json").write_text('{"title": "mended"}')
    await rounds(bench, row.id)
    assert (video(bench)["title"], video(bench)["updates"]) == ("mended", 2)


async def test_nothing_is_renamed_by_contents_that_are_gone(set_up: Any) -> None:
    settings = Settings(settle=0.0, title="{{ sidecar.title }} of {{ media.title or 'nobody' }}")
    bench = await set_up(posting=WITH_COVER, stays=True, settings=settings)
    (bench.folder / "a.json").write_text('{"title": "before"}')
    row = await bench.done()
    before = video(bench)["title"]
    (bench.folder / "a.mp4").unlink()
    (bench.folder / "a.json").write_text('{"title": "afterwards"}')
    await rounds(bench, row.id)
    assert bench.told(events.VideoNotTold) == []  # nobody knows whose text that is
    await ordered(bench, orders.renew, row.id)
    await tell(bench, row.id)
    assert [told.code for told in bench.told(events.VideoNotTold)] == ["source_gone"]
    assert (video(bench)["title"], video(bench)["updates"]) == (before, 1)


async def private_one(set_up: Any) -> tuple[Bench, int]:
    """A video that a text beside it put before friends alone."""
    bench = await set_up(posting=WITH_COVER, stays=True, settings=Settings(settle=0.0))
    (bench.folder / "a.json").write_text('{"title": "my private one", "privacy": "friends"}')
    row = await bench.done()
    assert (video(bench)["title"], video(bench)["privacy"]) == ("my private one", "FRIENDS")
    return bench, row.id


@pytest.mark.parametrize("became", ["overwritten", "deleted", "moved"])
async def test_another_file_of_its_name_does_not_speak_for_it(set_up: Any, became: str) -> None:
    bench, number = await private_one(set_up)
    if became == "moved":
        bench.after(After.MOVE)
        row = await bench.row(number)
        await bench.ledger.write(row.with_(chore=Chore.MOVE))
        await bench.chores.do(number)
        assert (await bench.row(number)).moved_to is not None
    else:
        (bench.folder / "a.mp4").unlink()
    if became == "overwritten":
        (bench.folder / "a.mp4").write_bytes(b"another recording" * 5000)
    (bench.folder / "a.json").write_text('{"title": "the next recording", "privacy": "public"}')
    image(bench)
    await rounds(bench, number, 4)
    assert (video(bench)["title"], video(bench)["privacy"]) == ("my private one", "FRIENDS")
    await ordered(bench, orders.renew, number)
    await tell(bench, number)
    assert "the next recording" not in video(bench)["title"]
    assert (video(bench)["cover"], calls(bench, GET_URL)) == ("", 0)


async def test_an_image_that_stayed_behind_is_the_cover_of_what_was_moved(set_up: Any) -> None:
    bench = await set_up(posting=WITH_COVER, stays=True)
    digest = image(bench)
    row = await bench.done()
    bench.after(After.MOVE)
    await bench.ledger.write(row.with_(chore=Chore.MOVE))
    await bench.chores.do(row.id)
    assert not (bench.folder / "a.mp4").exists()
    await tell(bench, row.id)
    assert video(bench)["cover"] == digest


async def test_a_template_that_changes_renames_nothing_by_itself(set_up: Any) -> None:
    bench, number = await published(set_up)
    templates(bench, title="another")
    await rounds(bench, number, 4)
    assert (video(bench)["title"], video(bench)["updates"]) == ("a", 1)


async def test_an_image_that_comes_later_becomes_the_cover_and_renames_nothing(set_up: Any) -> None:
    bench, number = await published(set_up)
    templates(bench, title="another")
    digest = image(bench)
    await rounds(bench, number)
    assert (video(bench)["cover"], calls(bench, GET_URL)) == (digest, 1)
    assert video(bench)["title"] == "a"
    another = image(bench, data=JPEG[:4] + b"another" + JPEG[4:])
    await rounds(bench, number)
    assert (video(bench)["cover"], calls(bench, GET_URL)) == (another, 2)
    assert video(bench)["title"] == "a"


async def test_an_image_that_comes_after_a_text_is_gone_makes_nothing_public(set_up: Any) -> None:
    bench, number = await private_one(set_up)
    text = bench.folder / "a.json"
    (aside := text.with_name("elsewhere")).hardlink_to(text)
    text.unlink()
    digest = image(bench)
    await rounds(bench, number)
    told = video(bench)
    assert (told["title"], told["privacy"], told["cover"]) == ("my private one", "FRIENDS", digest)
    templates(bench, description="another")
    text.hardlink_to(aside)  # its disk is back, and it says what it said
    await rounds(bench, number, 4)
    assert (video(bench)["description"], video(bench)["updates"]) == ("", told["updates"])


async def test_what_changes_between_two_looks_is_not_told_yet(set_up: Any) -> None:
    bench, number = await published(set_up)
    for length in range(1, 5):
        (bench.folder / "a.txt").write_text("x" * length)
        templates(bench, title=f"{length}")
        await rounds(bench, number, 1)
    assert video(bench)["updates"] == 1
    await rounds(bench, number, 1)
    assert video(bench)["title"] == "4"


async def test_what_is_gone_makes_nothing_anew(set_up: Any) -> None:
    bench = await set_up(posting=WITH_COVER, stays=True, settings=Settings(settle=0.0))
    (bench.folder / "a.json").write_text("{}")
    image(bench)
    row = await bench.done()
    await tell(bench, row.id)
    updates = video(bench)["updates"]
    templates(bench, title="without its text")
    shutil.rmtree(bench.folder)
    await rounds(bench, row.id, 4)
    assert video(bench)["updates"] == updates


async def test_after_its_time_nobody_looks(set_up: Any) -> None:
    bench, number = await published(set_up)
    bench.clock.ahead += 24 * HOUR + 1
    (bench.folder / "a.json").write_text("{}")
    templates(bench, title="too late")
    await rounds(bench, number)
    assert video(bench)["title"] == "a"
    # But a person may want it all the same.
    await ordered(bench, orders.renew, number)
    await tell(bench, number)
    assert video(bench)["title"] == "too late"


async def test_where_a_folder_does_not_want_it_nothing_is_looked_at(set_up: Any) -> None:
    bench, number = await published(set_up, posting=Posting())
    row = await bench.row(number)
    assert row.publication.beside is None
    await bench.neighbours.run()  # it ends at once


async def test_a_round_looks_at_so_many_and_the_next_goes_on(
    set_up: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("okdrop.pipeline.neighbours.IN_A_ROUND", 2)
    bench = await set_up(posting=WITH_COVER, stays=True)
    rows = [await bench.done(f"{number}.mp4", 65_536 + number) for number in range(5)]
    for row in rows:
        (bench.folder / f"{row.id - 1}.txt").write_text("there")
    for _ in range(6):
        await bench.neighbours.round()
    assert sorted(await bench.ledger.to_be_told(bench.clock.now(), at_most=9)) == [row.id for row in rows]


async def test_the_order_of_another_process_is_not_undone(set_up: Any) -> None:
    bench, number = await published(set_up)
    (bench.folder / "a.json").write_text("{}")
    await bench.neighbours.round()
    async with await Ledger.open(bench.ledger_url, lock=False, now=bench.clock.now) as other:
        await orders.renew(other, number)
    templates(bench, title="once")
    await rounds(bench, number, 1)
    assert (video(bench)["title"], video(bench)["updates"]) == ("once", 2)


def test_the_longest_time_is_what_is_looked_back() -> None:
    short, long = Posting(update_within=1.0), dataclasses.replace(WITH_COVER, update_within=9.0)
    assert Postings(folders={"/a": short, "/b": long}).update_within == 9.0

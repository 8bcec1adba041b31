"""What is told of a folder, each thing once; and how long to wait after what."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from okdrop import events
from okdrop.config.watch import Watch, Watching
from okdrop.inbox.hints import NoHints
from okdrop.inbox.scan import FolderMissing, FolderUnreadable
from okdrop.pipeline.standing import (
    BROKEN_DELAY,
    QUICK,
    REFUSED_DELAY,
    SHARE,
    SPREAD,
    STEADY,
    Folder,
    FolderStanding,
)

if TYPE_CHECKING:
    from pipeline.bench import Bench

RESCAN = 60.0
POLL = 5.0


def standing_of(bench: Bench, watching: Watching = Watching.AUTO) -> FolderStanding:
    folder = Folder(
        path="/srv/a\nb", settle=1, rescan=RESCAN, suffixes=(), ignore=(), watching=watching, poll=POLL
    )
    return FolderStanding(bench.parts, folder)


@pytest.fixture
def standing(bench: Bench) -> FolderStanding:
    return standing_of(bench)


def ways(bench: Bench) -> list[str]:
    return [told.watching for told in bench.told(events.FolderWatched)]


async def test_each_kind_of_absence_is_told_once_until_it_ends(
    bench: Bench, standing: FolderStanding
) -> None:
    assert not standing.back()
    for error in (
        FolderMissing("no"),
        FolderMissing("still no"),
        FolderUnreadable("no"),
        FolderMissing("no"),
    ):
        standing.away(error)
    assert [told.code for told in bench.told(events.FolderAway)] == [
        "folder_missing",
        "folder_unreadable",
        "folder_missing",
    ]
    assert "\n" not in bench.told(events.FolderAway)[0].path
    assert standing.back()
    assert not standing.back()
    standing.away(FolderMissing("no"))
    assert len(bench.told(events.FolderAway)) == 4


@pytest.mark.parametrize(("writers", "warned"), [(True, 0), (None, 0), (False, 1)])
async def test_where_writers_cannot_be_seen_it_is_said_with_what_to_do(
    bench: Bench, standing: FolderStanding, *, writers: bool | None, warned: int
) -> None:
    assert not standing.is_introduced
    standing.introduce(writers=writers)
    assert standing.is_introduced
    assert len(bench.told(events.FolderWatched)) == 1
    assert len(bench.told(events.WritersUnseen)) == warned


async def test_losses_are_folded_and_waits_grow_to_their_bounds(
    bench: Bench, standing: FolderStanding
) -> None:
    for lose, longest in ((standing.lost, BROKEN_DELAY), (standing.refused, REFUSED_DELAY)):
        waits = []
        for _ in range(14):
            lose(NoHints("why"))
            assert not standing.may_watch()
            waits.append(standing._delay)
        assert waits == sorted(waits)
        assert waits[-1] == longest
    assert len(bench.told(events.HintsLost)) == 1
    bench.clock.ahead += REFUSED_DELAY
    assert standing.may_watch()


async def test_a_broken_watch_makes_scans_quicker_and_a_refused_one_does_not(bench: Bench) -> None:
    """Where no polling is wanted."""
    standing = standing_of(bench, Watching.EVENTS)
    assert standing.until_next_scan(0.1) == RESCAN
    standing.refused(NoHints("the limit"))
    assert standing.until_next_scan(0.1) == RESCAN
    standing.lost(NoHints("broken"))
    assert standing.until_next_scan(0.01) == QUICK
    assert standing.until_next_scan(0.5) == pytest.approx(0.5 * SHARE)
    assert standing.until_next_scan(3600) == RESCAN
    standing.watching()
    assert standing.until_next_scan(0.1) == RESCAN


async def test_what_is_lost_or_refused_or_others_may_write_is_polled(
    bench: Bench, standing: FolderStanding
) -> None:
    assert standing.until_next_scan(0.1) == RESCAN
    standing.remote = b"nfs4"
    assert standing.until_next_scan(0.1) == POLL
    assert standing.until_next_scan(2.0) == SHARE * 2
    assert standing.until_next_scan(3600) == RESCAN
    standing.remote = b""
    standing.refused(NoHints("the limit"))
    assert standing.until_next_scan(0.1) == POLL
    standing.lost(NoHints("broken"))
    assert standing.until_next_scan(0.01) == QUICK
    standing.watching()
    assert standing.until_next_scan(0.1) == POLL, "it is not trusted yet"
    bench.clock.ahead += STEADY
    standing.watch_lives()
    assert standing.until_next_scan(0.1) == RESCAN
    assert standing_of(bench, Watching.POLL).until_next_scan(0.1) == POLL


async def test_a_watch_that_is_refused_is_none_that_lives(bench: Bench, standing: FolderStanding) -> None:
    standing.refused(NoHints("the limit"))
    bench.clock.ahead += 2 * STEADY
    standing.watch_lives()
    assert bench.told(events.HintsBack) == []
    standing.refused(NoHints("the limit"))
    assert len(bench.told(events.HintsLost)) == 1


async def test_polls_of_many_are_spread(bench: Bench) -> None:
    chances = iter([0.0, 0.5, 0.999])
    parts = dataclasses.replace(bench.parts, chance=lambda: next(chances))
    folder = Folder(
        path="/srv", settle=1, rescan=RESCAN, suffixes=(), ignore=(), watching=Watching.POLL, poll=POLL
    )
    standing = FolderStanding(parts, folder)
    waits = [standing.until_next_scan(0) for _ in range(3)]
    assert waits == sorted({*waits}, reverse=True)
    assert waits[0] == POLL
    assert min(waits) > POLL * (1 - SPREAD)


async def test_another_way_is_told_once_and_what_flickers_at_its_beginning_and_its_end(
    bench: Bench, standing: FolderStanding
) -> None:
    standing.tell_way()
    assert ways(bench) == [], "not before the folder is introduced"
    standing.introduce(writers=True)
    standing.tell_way()
    assert ways(bench) == ["events"]
    for number in range(5):
        standing.lost(NoHints(f"broken {number}"))
        standing.watching()
        standing.watch_lives()
    assert ways(bench) == ["events", "polling"]
    assert bench.told(events.FolderWatched)[-1].mode == "polling every 5 s: broken 0"
    bench.clock.ahead += STEADY
    standing.watch_lives()
    assert ways(bench) == ["events", "polling", "events"]
    standing.remote = b"cifs"
    standing.tell_way()
    assert ways(bench)[-1] == "both"
    assert {told.writers for told in bench.told(events.FolderWatched)} == {"are seen"}


async def test_who_asks_for_polling_gets_no_watch(bench: Bench, standing: FolderStanding) -> None:
    assert standing.may_watch()
    assert not standing_of(bench, Watching.POLL).may_watch()


def test_a_folder_is_as_it_is_configured() -> None:
    watch = Watch.model_validate(
        {
            "path": "/srv",
            "watching": "poll",
            "poll": "2s",
            "depth": 3,
            "existing": "ignore",
            "unfinished": "take",
        }
    )
    folder = Folder.of(watch, surge=7)
    assert (folder.watching, folder.poll, folder.depth, folder.surge) == (Watching.POLL, 2.0, 3, 7)
    assert folder.ignores_existing
    assert folder.takes_unfinished
    assert Folder.of(Watch.model_validate({"path": "/srv"}), surge=7).depth is None

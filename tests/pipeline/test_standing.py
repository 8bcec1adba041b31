"""What is told of a folder, each thing once; and how long to wait after what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from okdrop import events
from okdrop.inbox.hints import NoHints
from okdrop.inbox.scan import FolderMissing, FolderUnreadable
from okdrop.pipeline.standing import BROKEN_DELAY, QUICK, REFUSED_DELAY, SHARE, Folder, FolderStanding

if TYPE_CHECKING:
    from pipeline.bench import Bench

RESCAN = 60.0


@pytest.fixture
def standing(bench: Bench) -> FolderStanding:
    folder = Folder(path="/srv/a\nb", settle=1, rescan=RESCAN, suffixes=(), ignore=())
    return FolderStanding(bench.parts, folder)


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
    standing.introduce(mode="kernel events", writers=writers)
    assert standing.introduced
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


async def test_a_broken_watch_makes_scans_quicker_and_a_refused_one_does_not(
    standing: FolderStanding,
) -> None:
    assert standing.until_next_scan(0.1) == RESCAN
    standing.refused(NoHints("the limit"))
    assert standing.until_next_scan(0.1) == RESCAN
    standing.lost(NoHints("broken"))
    assert standing.until_next_scan(0.01) == QUICK
    assert standing.until_next_scan(0.5) == pytest.approx(0.5 * SHARE)
    assert standing.until_next_scan(3600) == RESCAN
    standing.watching()
    assert standing.until_next_scan(0.1) == RESCAN
    assert standing.scans_only_because == ""

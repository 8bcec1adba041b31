"""How each folder does, by what was told of it."""

from __future__ import annotations

from datetime import UTC, datetime

from okdrop import events
from okdrop.observe.folders import FolderHealth, Folders

AT = datetime(2030, 1, 2, tzinfo=UTC)


def test_a_scan_is_noted_with_its_time_and_other_folders_are_as_they_were() -> None:
    folders = Folders(lambda: AT)
    folders.hear(events.FolderScanned(path="/a", seconds=0.25))
    assert folders("/a") == FolderHealth(scanned_at=AT, scan_seconds=0.25)
    assert folders("/b") == FolderHealth()


def test_a_folder_is_away_until_it_is_back_and_keeps_the_rest() -> None:
    folders = Folders(lambda: AT)
    folders.hear(events.FolderWatched(path="/a", mode="kernel events", watching="events", writers="seen"))
    folders.hear(events.FolderAway(path="/a", code="", message="it is missing", hint="make it"))
    assert (folders("/a").away, folders("/a").hint, folders("/a").writers) == (
        "it is missing",
        "make it",
        "seen",
    )
    folders.hear(events.FolderBack(path="/a"))
    assert folders("/a") == FolderHealth(writers="seen")
    folders.hear(events.OrphanDeleted(video_id="7"))

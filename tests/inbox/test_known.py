"""A file is passed over by a scan only if the ledger said that it knows this very revision."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from okdrop.drop import Drop, Revision
from okdrop.inbox.known import KnownFiles

if TYPE_CHECKING:
    from okdrop.inbox.known import Sighting

paths = st.sampled_from([b"/drop/a.mp4", b"/drop/b.mp4", b"/drop/\xff.mp4"])
sizes = st.integers(0, 2)
times = st.integers(0, 2)


def drop(path: bytes, size: int, mtime_ns: int) -> Drop:
    return Drop(path=path, revision=Revision(device=1, inode=2, size=size, mtime_ns=mtime_ns), folder="/drop")


def status(size: int, mtime_ns: int) -> os.stat_result:
    return os.stat_result(
        (0o100644, 2, 1, 1, 0, 0, size, 0, 0, 0), {"st_mtime_ns": mtime_ns, "st_mtime": mtime_ns / 1e9}
    )


class Model(RuleBasedStateMachine):
    """Equal to a dictionary from path to revision."""

    def __init__(self) -> None:
        super().__init__()
        self.known = KnownFiles()
        self.truth: dict[bytes, tuple[int, int]] = {}

    @rule(path=paths, size=sizes, mtime_ns=times)
    def noted(self, path: bytes, size: int, mtime_ns: int) -> None:
        self.known.note([drop(path, size, mtime_ns)])
        self.truth[path] = (size, mtime_ns)

    @rule(path=paths)
    def forgotten(self, path: bytes) -> None:
        self.known.forget(path)
        self.truth.pop(path, None)

    @rule()
    def all_forgotten(self) -> None:
        self.known.forget_all()
        self.truth.clear()

    @rule(seen=st.sets(paths), size=sizes, mtime_ns=times)
    def scanned(self, seen: set[bytes], size: int, mtime_ns: int) -> None:
        sighting: Sighting = self.known.sighting()
        for path in seen:
            assert sighting(path, status(size, mtime_ns)) is (self.truth.get(path) == (size, mtime_ns))
        self.known.keep(sighting)
        self.truth = {path: mark for path, mark in self.truth.items() if path in seen}

    @invariant()
    def holds_no_more(self) -> None:
        assert len(self.known) == len(self.truth)


TestKnownFiles = Model.TestCase


def test_what_is_forgotten_during_a_scan_is_asked_about_in_it() -> None:
    known = KnownFiles()
    known.note([drop(b"/drop/a.mp4", 1, 1)])
    sighting = known.sighting()
    known.forget(b"/drop/a.mp4")
    assert not sighting(b"/drop/a.mp4", status(1, 1))

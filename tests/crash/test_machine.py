"""The pipeline against a model: whatever is done to files, to OK and to the process, in any order.

Each rule is something that happens between two lives of the process, or ends one. After calm every row has
come to an end, or waits with a reason, and every content that lies in the folder is one public video.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from crash.world import SMALL, Point, When, World, assert_history, assert_lives_on, digest_of, laid
from okdrop import orders
from okdrop.client import line
from okdrop.drop import UNFINISHED, State
from okdrop.emulator import Mode

if TYPE_CHECKING:
    from collections.abc import Coroutine

NAMES = st.sampled_from(["a.mp4", "b.mp4", "два\n слова.mp4"])
SIZES = st.sampled_from([SMALL, 3 * SMALL])
WEATHER = st.sampled_from(
    [
        ("cut_after_bytes", {"bytes": 9_000, "times": 1}),
        ("lost_answer", {"times": 1}),
        ("error_503", {"times": 1, "retry_after": -1}),
        ("expire_url", {"times": 1}),
        ("lost_api_answer", {"method": "video.getUploadUrl", "times": 1}),
        ("lost_api_answer", {"method": "video.update", "times": 1}),
        ("api_error", {"code": 100, "method": "video.update", "times": 1}),
        ("api_error", {"code": 454, "method": "video.update", "times": 1}),
        ("api_error", {"code": 1, "method": "video.get", "times": 1}),
    ]
)
ENDS = {State.PUBLISHED, State.FAILED, State.SUPERSEDED, State.CANCELLED, State.DUPLICATE}


class PipelineMachine(RuleBasedStateMachine):
    """`seen` is every content that ever lay in the folder: nothing else may become public."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.stack = contextlib.AsyncExitStack()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(line, "_tls", _tls)
        self.seen: set[str] = set()
        self.revision = 0
        self.has_touched = self.has_renamed = False
        self.world: World

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    @initialize(mode=st.sampled_from(Mode), in_one=st.booleans())
    def begin(self, mode: Mode, *, in_one: bool) -> None:
        place = Path(self.folder.name) / "world"
        connections = 3 if mode is Mode.PARALLEL else 1
        self.world = self.do(
            self.stack.enter_async_context(laid(place, mode=mode, in_one=in_one, connections=connections))
        )

    def teardown(self) -> None:
        with contextlib.ExitStack() as stack:
            stack.callback(self.folder.cleanup)
            stack.callback(self.loop.close)
            stack.callback(self.patch.undo)
            stack.callback(lambda: self.do(self.stack.aclose()))
            if hasattr(self, "world"):
                self.calm()

    @property
    def files(self) -> list[Path]:
        return sorted(self.world.folder.glob("*.mp4")) if self.world.folder.exists() else []

    # --- files ----------------------------------------------------------------------------------------

    @precondition(lambda self: self.world.folder.exists())
    @rule(name=NAMES, size=SIZES, lives=st.booleans())
    def drop(self, name: str, size: int, *, lives: bool) -> None:
        """A file comes, or another revision of one."""
        self.revision += 1
        path = self.world.file(name, size, seed=f"{name}:{self.revision}")
        os.utime(path, ns=(1, 10**18 + self.revision))  # two revisions within one tick of the clock are one
        self.seen.add(digest_of(path))
        self.perhaps_live(lives=lives)

    def perhaps_live(self, *, lives: bool) -> None:
        """A run looks at what has just happened; or it comes together with what happens next."""
        if lives and self.world.folder.exists():
            self.live()

    @precondition(lambda self: self.files)
    @rule(data=st.data(), lives=st.booleans())
    def touch(self, data: st.DataObject, *, lives: bool) -> None:
        self.revision += 1
        self.has_touched = True
        path = data.draw(st.sampled_from(self.files))
        os.utime(path, ns=(1, 10**18 + self.revision))
        self.perhaps_live(lives=lives)

    @precondition(lambda self: self.files)
    @rule(data=st.data(), name=NAMES, lives=st.booleans())
    def rename(self, data: st.DataObject, name: str, *, lives: bool) -> None:
        path = data.draw(st.sampled_from(self.files))
        path.rename(self.world.folder / name)
        self.has_renamed = True
        self.perhaps_live(lives=lives)

    @precondition(lambda self: self.files)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        data.draw(st.sampled_from(self.files)).unlink()

    @rule()
    def folder_away_or_back(self) -> None:
        away = self.world.place / "away"
        if away.exists():
            away.rename(self.world.folder)
        else:
            self.world.folder.rename(away)

    # --- OK, and people -------------------------------------------------------------------------------

    @rule(weather=WEATHER, lives=st.booleans())
    def weather(self, weather: tuple[str, dict[str, Any]], *, lives: bool) -> None:
        name, values = weather
        self.world.faults.set(name, **values)
        self.perhaps_live(lives=lives)

    @rule(method=st.sampled_from(["video.getUploadUrl", "video.update", "video.get"]))
    def credentials_die(self, method: str) -> None:
        self.world.faults.set("api_error", code=102, method=method)

    @rule()
    def all_is_mended_at_ok(self) -> None:
        self.world.faults.clear()

    @precondition(lambda self: self.world.ledger_file.exists() and self.world.rows())
    @rule(data=st.data(), order=st.sampled_from([orders.retry, orders.cancel]), lives=st.booleans())
    def order(self, data: st.DataObject, order: Any, *, lives: bool) -> None:
        row = data.draw(st.sampled_from(self.world.rows()))
        self.do(order(self.world.ledger_url, [row.id]))
        self.perhaps_live(lives=lives)

    # --- lives ----------------------------------------------------------------------------------------

    @precondition(lambda self: self.world.folder.exists())
    @rule(number=st.integers(1, 25), when=st.sampled_from(When))
    def live_and_die(self, number: int, when: When) -> None:
        if self.do(self.world.live(Point("", number, when))).died:
            assert_lives_on(self.world, {})
        self.nothing_is_public_twice()

    @precondition(lambda self: self.world.folder.exists())
    @rule()
    def live(self) -> None:
        self.do(self.world.live())
        self.every_row_has_its_reason()
        self.nothing_is_public_twice()

    def calm(self) -> None:
        """Everything is mended, and nobody changes anything: soon all is done."""
        if not self.world.folder.exists():
            self.folder_away_or_back()
        self.world.faults.clear()
        for _ in range(3):
            self.do(self.world.live())
        self.every_row_has_its_reason()
        rows = self.world.rows()
        assert {row.state for row in rows} <= ENDS
        assert {row.chore for row in rows} <= {None}
        self.nothing_is_public_twice()
        public = {video["sha256"] for video in self.world.published}
        taken_out = {row.drop.path for row in rows if row.state in {State.FAILED, State.CANCELLED}}
        for path in self.files:
            assert digest_of(path) in public or os.fsencode(path) in taken_out, path.name

    # --- laws -----------------------------------------------------------------------------------------

    def every_row_has_its_reason(self) -> None:
        """At the end of a run: what is not done waits for its time, for credentials, or for a person."""
        life = self.world.lives[-1]
        for row in self.world.rows():
            if row.state in UNFINISHED and life.brake.halted is None:
                assert row.held or (row.retry_at is not None and row.last_trouble), row
            if row.state is State.FAILED:
                assert row.failure is not None
        assert_history(self.world)

    def nothing_is_public_twice(self) -> None:
        """Each public video is whole, lay in the folder once, and has a row of its own: one for a revision.

        One content may be public twice: under another name and with another time it is another file.
        """
        rows = {row.ticket.video_id: row for row in self.world.rows() if row.ticket is not None}
        assert len(rows) == sum(row.ticket is not None for row in self.world.rows())
        public = [(video["sha256"], rows[video["id"]].drop) for video in self.world.published]
        assert {content for content, _ in public} <= self.seen
        assert len({drop.revision for _, drop in public}) == len(public)
        if not (self.has_touched and self.has_renamed):
            assert len({content for content, _ in public}) == len(public)


_tls = functools.cache(line._tls)

TestPipelineMachine = PipelineMachine.TestCase
TestPipelineMachine.settings = settings(
    max_examples=20,
    stateful_step_count=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)

"""The ledger against a dictionary: any order of adds, writes, stale writes, reopenings and looks.

The machine keeps a plain model of every row and compares all of it after each step.
"""

from __future__ import annotations

import asyncio
import dataclasses
import tempfile
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ledger.making import Clock, revision, ticket
from okdrop.drop import TRANSITIONS, Drop, State, Upload
from okdrop.errors import LedgerError, LocalProtocolError
from okdrop.ledger import Judgement, Known, Ledger, Moved, New, StaleVersion, Suspect, read_only

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")

SENT = {State.PUBLISHED, State.DUPLICATE}
DROPS = st.builds(
    Drop,
    path=st.sampled_from([b"/a", b"/b", b"/\xff"]),
    revision=st.builds(
        revision,
        size=st.sampled_from([20_000, 30_000]),
        mtime_ns=st.sampled_from([1, 2**63]),
        inode=st.sampled_from([1, 2**64 - 1]),
    ),
    folder=st.just("/srv"),
)


class LedgerMachine(RuleBasedStateMachine):
    """`rows` is what the ledger must hold, `life` the states each row went through."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.url = f"sqlite:///{self.folder.name}/ledger.db"
        self.clock = Clock()
        self.rows: dict[int, Upload] = {}
        self.life: dict[int, list[State]] = {}
        self.orphans: set[str] = set()
        self.tickets = 0
        self.ledger = self.do(Ledger.open(self.url, now=self.clock))

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        self.clock.forward(seconds=1)
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        self.do(self.ledger.close())
        self.loop.close()
        self.folder.cleanup()

    def live(self) -> list[Upload]:
        return [row for row in self.rows.values() if row.state is not State.SUPERSEDED]

    def same_revision(self, drop: Drop) -> list[Upload]:
        return [
            row
            for row in self.live()
            if (row.drop.path, row.drop.revision.size, row.drop.revision.mtime_ns)
            == (drop.path, drop.revision.size, drop.revision.mtime_ns)
        ]

    def keep(self, row: Upload) -> None:
        states = self.life.setdefault(row.id, [])
        if not states or states[-1] is not row.state:
            states.append(row.state)
        self.rows[row.id] = row

    @rule(drop=DROPS, state=st.sampled_from(State))
    def add(self, drop: Drop, state: State) -> None:
        if self.same_revision(drop) and state is not State.SUPERSEDED:
            with pytest.raises(LedgerError) as caught:
                self.do(self.ledger.add(drop, state=state))
            assert caught.value.code == "ledger_known"
            return
        made = self.do(self.ledger.add(drop, state=state))
        assert (made.drop, made.state, made.version) == (drop, state, 1)
        for row in self.live():
            outdated = row.drop.path == drop.path and row.state is not State.PUBLISHED
            if outdated and not (row.state in {State.FINALIZING, State.FAILED} and row.publish_offered):
                self.supersede(row)
        self.keep(made)

    def supersede(self, row: Upload) -> None:
        public = row.publish_offered or State.PUBLISHED in self.life[row.id]
        if row.ticket is not None and not public:
            self.orphans.add(row.ticket.video_id)
            row = dataclasses.replace(row, ticket=None)
        self.keep(row.with_(state=State.SUPERSEDED, version=row.version + 1, updated_at=self.clock()))

    @precondition(lambda self: self.rows)
    @rule(data=st.data(), state=st.sampled_from(State), offered=st.booleans(), renew=st.booleans())
    def write(self, data: st.DataObject, state: State, *, offered: bool, renew: bool) -> None:
        row = self.rows[data.draw(st.sampled_from(sorted(self.rows)))]
        wish, orphan = row.with_(state=state, publish_offered=offered), ""
        if renew:
            self.tickets += 1
            wish = wish.with_(ticket=ticket(str(self.tickets)))
            orphan = row.ticket.video_id if row.ticket else ""
        if state is not row.state and state not in TRANSITIONS[row.state]:
            with pytest.raises(LocalProtocolError):
                self.do(self.ledger.write(wish, orphan=orphan))
            return
        written = self.do(self.ledger.write(wish, orphan=orphan))
        assert written == wish.with_(version=row.version + 1, updated_at=self.clock())
        self.orphans |= {orphan} - {""}
        self.keep(written)

    @precondition(lambda self: self.rows)
    @rule(data=st.data(), behind=st.sampled_from([-1, 1]))
    def write_stale(self, data: st.DataObject, behind: int) -> None:
        row = self.rows[data.draw(st.sampled_from(sorted(self.rows)))]
        with pytest.raises(StaleVersion) as caught:
            self.do(self.ledger.write(row.with_(version=row.version + behind, received=1), orphan="x"))
        assert caught.value.current == row

    @rule()
    def look(self) -> None:
        with read_only(self.url) as look:
            assert {row.id: row for row in look.uploads()} == self.rows
            for number, states in self.life.items():
                assert [step.to_state for step in look.history(number)] == states

    @rule()
    def reopen(self) -> None:
        self.do(self.ledger.close())
        self.ledger = self.do(Ledger.open(self.url, now=self.clock))

    @rule(drop=DROPS)
    def judge(self, drop: Drop) -> None:
        judgement = self.do(self.ledger.judge(drop))
        assert self.is_right(judgement, drop), judgement
        expected = [] if isinstance(judgement, Known) else [drop]
        assert self.do(self.ledger.unknown([drop])) == expected

    def is_right(self, judgement: Judgement, drop: Drop) -> bool:
        known = self.same_revision(drop)
        moved = [
            row for row in self.live() if row.drop.revision == drop.revision and row.drop.path != drop.path
        ]
        suspects = [
            row
            for row in self.live()
            if row.state in SENT
            and (row.drop.path, row.drop.revision.size) == (drop.path, drop.revision.size)
        ]
        match judgement:
            case Known(upload=upload):
                return known == [upload]
            case Moved(upload=upload):
                return not known and upload in moved
            case Suspect(upload=upload):
                return not known and not moved and upload in suspects
            case New():
                return not known and not moved and not suspects

    @invariant()
    def all_rows_are_as_modelled(self) -> None:
        assert {row.id: row for row in self.do(self.ledger.uploads())} == self.rows
        assert set(self.do(self.ledger.orphans())) == self.orphans


TestLedgerMachine = LedgerMachine.TestCase
TestLedgerMachine.settings = settings(
    max_examples=15,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)

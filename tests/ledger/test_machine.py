"""The ledger against a dictionary: adds, writes, stale writes, orders of other processes, kills, looks.

The machine keeps a plain model of every row and compares all of it after each step. A kill leaves what lies
on the disk at that moment, which is copied while a transaction is open.
"""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ledger.making import Clock, revision, ticket
from okdrop import adoption, orders
from okdrop.drop import TRANSITIONS, Drop, State, Upload
from okdrop.errors import LedgerError, LocalProtocolError
from okdrop.ledger import Judgement, Known, Ledger, Moved, New, StaleVersion, Suspect, read_only

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

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
        self.homes = itertools.count()
        self.home = self.next_home()
        self.clock = Clock()
        self.rows: dict[int, Upload] = {}
        self.life: dict[int, list[State]] = {}
        self.orphans: set[str] = set()
        self.tickets = 0
        self.ledger = self.do(Ledger.open(self.url, now=self.clock))

    def next_home(self) -> Path:
        home = Path(self.folder.name) / str(next(self.homes))
        home.mkdir()
        return home

    @property
    def url(self) -> str:
        return f"sqlite:///{self.home}/ledger.db"

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

    def outdated_by(self, drop: Drop) -> list[Upload]:
        return [
            row
            for row in self.live()
            if row.drop.path == drop.path
            and row.state is not State.PUBLISHED
            and not (row.state in {State.FINALIZING, State.FAILED} and row.publish_offered)
        ]

    @rule(drop=DROPS, state=st.sampled_from(State))
    def add(self, drop: Drop, state: State) -> None:
        if self.same_revision(drop) and state is not State.SUPERSEDED:
            with pytest.raises(LedgerError) as caught:
                self.do(self.ledger.add(drop, state=state))
            assert caught.value.code == "ledger_known"
            return
        made = self.do(self.ledger.add(drop, state=state))
        held = state is State.QUEUED and any(
            old.held and old.state is State.QUEUED for old in self.outdated_by(drop)
        )
        assert (made.drop, made.state, made.version, made.held) == (drop, state, 1, held)
        self.supersede_all(drop)
        self.keep(made)

    def supersede_all(self, drop: Drop) -> None:
        for row in self.outdated_by(drop):
            self.supersede(row)

    @rule(drop=DROPS)
    def hold(self, drop: Drop) -> None:
        is_new = not self.same_revision(drop)
        assert self.do(self.ledger.add_all([drop], held=True)) == is_new
        if is_new:
            self.supersede_all(drop)
            (made,) = self.do(self.ledger.uploads(newest=1))
            assert (made.drop, made.state, made.held) == (drop, State.QUEUED, True)
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

    @precondition(lambda self: any(row.ticket for row in self.rows.values()))
    @rule(data=st.data())
    def give_up_a_video_in_use(self, data: st.DataObject) -> None:
        row = data.draw(st.sampled_from([row for row in self.rows.values() if row.ticket]))
        assert row.ticket is not None
        with pytest.raises(LocalProtocolError):
            self.do(self.ledger.write(row, orphan=row.ticket.video_id))

    # --- other processes ------------------------------------------------------------------------------

    @precondition(lambda self: self.rows)
    @rule(data=st.data(), order=st.sampled_from([orders.cancel, orders.retry]))
    def order(self, data: st.DataObject, order: Any) -> None:
        row = self.rows[data.draw(st.sampled_from(sorted(self.rows)))]
        numbers = [row.id, 999_999]
        said, unheard_of = self.do(order(self.url, numbers))
        assert not unheard_of.done
        expected = self.cancelled(row) if order is orders.cancel else self.retried(row)
        assert said.done is (expected is not None)
        if expected is not None:
            self.theirs(row, expected)

    def cancelled(self, row: Upload) -> Upload | None:
        if row.state not in orders.CANCELLABLE:
            return None
        return self.given_up(row.with_(state=State.CANCELLED, retry_at=None))

    def given_up(self, row: Upload) -> Upload:
        """A ticket that a person has no more use for; what may be public stays."""
        if row.ticket is None or row.publish_offered or State.PUBLISHED in self.life[row.id]:
            return row
        self.orphans.add(row.ticket.video_id)
        return row.with_(ticket=None, mode=None, offered_all=False, received=0)

    def retried(self, row: Upload) -> Upload | None:
        return row.handed_back() if row.state in orders.RETRIABLE else None

    @precondition(lambda self: self.rows)
    @rule(data=st.data())
    def adopt(self, data: st.DataObject) -> None:
        row = self.rows[data.draw(st.sampled_from(sorted(self.rows)))]
        if row.state not in {State.QUEUED, State.FAILED, State.CANCELLED}:
            return
        expected = self.given_up(row.with_(state=State.PUBLISHED, held=False))

        async def adopted() -> None:
            async with await Ledger.open(self.url, lock=False, now=self.clock) as other:
                await adoption._publish(other, row, adoption.NO_PROOF)

        self.do(adopted())
        self.theirs(row, expected)

    def theirs(self, row: Upload, expected: Upload) -> None:
        """Another process wrote; whoever has the row as it was before is told, and writes nothing."""
        with pytest.raises(StaleVersion) as caught:
            self.do(self.ledger.write(row.with_(received=1), orphan="x"))
        stands = caught.value.current
        assert stands == expected.with_(version=row.version + 1, updated_at=stands.updated_at)
        self.keep(stands)

    @rule(folders=st.sampled_from([None, ["/srv"], ["/elsewhere"]]))
    def go(self, folders: list[str] | None) -> None:
        seen = self.do(self.ledger.foreign_writes())
        waiting = [row for row in self.rows.values() if row.held and row.state is State.QUEUED]
        released = [row for row in waiting if folders is None or row.drop.folder in folders]
        assert self.do(orders.go(self.url, folders)) == len(released)
        assert (self.do(self.ledger.foreign_writes()) != seen) is bool(released)
        for row in released:
            self.theirs(row, row.with_(held=False))

    @precondition(lambda self: self.rows)
    @rule(data=st.data())
    def race(self, data: st.DataObject) -> None:
        """Of two processes that write what they read, one comes first, and the other is told."""
        row = self.rows[data.draw(st.sampled_from(sorted(self.rows)))]

        async def both() -> list[Upload | BaseException]:
            async with await Ledger.open(self.url, lock=False, now=self.clock) as other:
                wishes = [each.write(row.with_(received=n)) for n, each in enumerate((self.ledger, other))]
                return await asyncio.gather(*wishes, return_exceptions=True)

        results = self.do(both())
        (stands,) = [each for each in results if isinstance(each, Upload)]
        (late,) = [each for each in results if isinstance(each, StaleVersion)]
        assert late.current == stands
        self.keep(stands)

    # --- ends -----------------------------------------------------------------------------------------

    @rule()
    def look(self) -> None:
        with read_only(self.url) as look:
            assert {row.id: row for row in look.uploads()} == self.rows
            for number, states in self.life.items():
                history = look.history(number)
                assert [state for state, _ in itertools.groupby(step.to_state for step in history)] == states
                versions = [step.version for step in history]
                assert versions == sorted(set(versions))
                before = [None, *(step.to_state for step in history)]
                assert [step.from_state for step in history] == before[:-1]

    @rule()
    def reopen(self) -> None:
        self.do(self.ledger.close())
        self.ledger = self.do(Ledger.open(self.url, now=self.clock))

    @precondition(lambda self: self.rows)
    @rule(data=st.data(), committed=st.booleans())
    def kill(self, data: st.DataObject, *, committed: bool) -> None:
        """The process is killed with writes under way: before their commit none is there, after it all."""
        numbers = data.draw(st.lists(st.sampled_from(sorted(self.rows)), min_size=1, max_size=3, unique=True))
        rows = [self.rows[number] for number in numbers]
        self.tickets += 1
        left, orphan = self.next_home(), f"lost {self.tickets}"
        if not committed:
            self.copy_before_commit(left)
        written = self.do(self.write_together(rows, orphan))
        if committed:
            self.copy(left)
        self.do(self.ledger.close())
        self.home = left
        self.ledger = self.do(Ledger.open(self.url, now=self.clock))
        if committed:
            self.orphans.add(orphan)
            for row in written:
                self.keep(row)

    async def write_together(self, rows: Sequence[Upload], orphan: str) -> list[Upload]:
        writes = [
            self.ledger.write(row.with_(received=7), note="", orphan=orphan if row is rows[0] else "")
            for row in rows
        ]
        return await asyncio.gather(*writes)

    def copy_before_commit(self, left: Path) -> None:
        copied = []

        def copy(_connection: sa.Connection) -> None:
            if not copied:
                copied.append(True)
                self.copy(left)

        sa.event.listen(self.ledger._thread.engine, "commit", copy)

    def copy(self, left: Path) -> None:
        """What a killed process leaves: the file and its log. The log's index is made anew from it."""
        for path in self.home.glob("ledger.db*"):
            if not path.name.endswith(("-shm", ".lock")):
                shutil.copyfile(path, left / path.name)

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

    @invariant()
    def no_video_in_use_is_an_orphan(self) -> None:
        in_use = {row.ticket.video_id for row in self.rows.values() if row.ticket is not None}
        assert not in_use & self.orphans


TestLedgerMachine = LedgerMachine.TestCase
TestLedgerMachine.settings = settings(
    max_examples=15,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)

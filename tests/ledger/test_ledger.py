"""The contract: what every ledger does, on whatever database. Another database joins in `KINDS`."""

from __future__ import annotations

import asyncio
import stat
from datetime import timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from ledger.making import SECRET, START, Clock, drop, ticket
from okdrop.drop import SOURCE_GONE, TRANSITIONS, Chore, Failure, Mode, State, Upload
from okdrop.errors import LedgerError, LocalProtocolError
from okdrop.ledger import HistoryRow, Known, Ledger, Moved, New, Outstanding, StaleVersion, Suspect, lots

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

KINDS = ["file", "memory"]


@pytest.fixture(params=KINDS)
async def ledger(request: pytest.FixtureRequest, url: str, clock: Clock) -> AsyncIterator[Ledger]:
    address = {"file": url, "memory": "sqlite://"}[request.param]
    async with await Ledger.open(address, now=clock) as opened:
        yield opened


def full(upload: Upload) -> Upload:
    """The upload with every field set to something that is not its default."""
    return upload.with_(
        attempts=3,
        troubles=2,
        retry_at=START + timedelta(days=1),
        ticket=ticket(),
        tickets=1,
        mode=Mode.PARALLEL,
        offered_all=True,
        publish_offered=True,
        received=2**40,
        bytes_sent=2**41,
        digest=bytes(range(32)),
        duplicate_of=upload.id,
        failure=Failure(code="c", message="m", hint="h"),
    )


async def test_a_new_row_is_queued_and_complete(ledger: Ledger) -> None:
    made = await ledger.add(drop())
    assert made == Upload(
        id=1, drop=drop(), state=State.QUEUED, version=1, created_at=START, updated_at=START
    )
    assert await ledger.get(1) == made
    assert await ledger.get(2) is None


async def test_every_field_round_trips(ledger: Ledger, clock: Clock) -> None:
    made = await ledger.add(drop())
    clock.forward(seconds=1.000001)
    written = await ledger.write(full(made))
    assert written == full(made).with_(version=2, updated_at=clock())
    assert await ledger.get(made.id) == written


@pytest.mark.parametrize("number", [0, 2**31, 2**63 - 1, 2**63, 2**64 - 1])
async def test_what_stat_gives_round_trips_whatever_its_width(ledger: Ledger, number: int) -> None:
    """Inodes fill 64 bits; tmpfs keeps times whose nanoseconds do not fit into 64 bits."""
    odd = drop(b"/srv/\xff\x00\n.mp4", inode=number, device=number, mtime_ns=number)
    made = await ledger.add(odd)
    found = await ledger.get(made.id)
    assert found is not None
    assert found.drop == odd
    assert await ledger.judge(odd) == Known(upload=made)


async def test_times_come_back_in_utc(ledger: Ledger) -> None:
    made = await ledger.add(drop())
    there = START.astimezone(timezone(timedelta(hours=3)))
    await ledger.write(made.with_(retry_at=there))
    found = await ledger.get(made.id)
    assert found is not None
    assert found.retry_at == START
    assert found.retry_at.utcoffset() == timedelta(0)


async def test_a_stale_write_is_refused_and_told_what_stands(ledger: Ledger) -> None:
    made = await ledger.add(drop())
    stands = await ledger.write(made.with_(attempts=1))
    with pytest.raises(StaleVersion) as caught:
        await ledger.write(made.with_(attempts=9))
    assert caught.value.current == stands
    assert await ledger.get(made.id) == stands


async def test_stale_is_said_before_any_word_of_transitions(ledger: Ledger) -> None:
    """A worker whose row was cancelled did nothing wrong."""
    made = await ledger.add(drop())
    stands = await ledger.write(made.to(State.CANCELLED))
    with pytest.raises(StaleVersion) as caught:
        await ledger.write(made.to(State.UPLOADING))
    assert caught.value.current == stands


async def test_a_write_to_a_row_that_is_not_there(ledger: Ledger) -> None:
    made = await ledger.add(drop())
    with pytest.raises(LedgerError, match="no upload 99") as caught:
        await ledger.write(made.with_(id=99))
    assert caught.value.code == "ledger_unknown_id"


@pytest.mark.parametrize("before", list(State))
async def test_the_table_of_transitions_holds_against_what_is_stored(before: State) -> None:
    async with await Ledger.open("sqlite://", now=Clock()) as ledger:
        for number, after in enumerate(state for state in State if state is not before):
            made = await ledger.add(drop(b"/%d" % number, inode=number), state=before)
            if after in TRANSITIONS[before]:
                written = await ledger.write(made.with_(state=after), note="why")
                expected = HistoryRow(
                    upload_id=made.id, at=START, from_state=before, to_state=after, version=2, note="why"
                )
                assert written.state is after
                assert (await ledger.history(made.id))[1:] == [expected]
            else:
                with pytest.raises(LocalProtocolError):
                    await ledger.write(made.with_(state=after))
                assert await ledger.get(made.id) == made


async def test_history_has_transitions_and_notes_but_no_plain_writes(ledger: Ledger, clock: Clock) -> None:
    upload = await ledger.add(drop(), note="found")
    upload = await ledger.write(upload.with_(received=1))
    clock.forward(seconds=1)
    upload = await ledger.write(upload.to(State.UPLOADING))
    upload = await ledger.write(upload.with_(received=2), note="seen")
    rows = await ledger.history(upload.id)
    assert [(row.from_state, row.to_state, row.version, row.note) for row in rows] == [
        (None, State.QUEUED, 1, "found"),
        (State.QUEUED, State.UPLOADING, 3, ""),
        (State.UPLOADING, State.UPLOADING, 4, "seen"),
    ]
    assert rows[1].at == START + timedelta(seconds=1)
    assert await ledger.history(99) == []


async def test_one_row_per_revision_of_a_path(ledger: Ledger) -> None:
    await ledger.add(drop())
    with pytest.raises(LedgerError) as caught:
        await ledger.add(drop(inode=8))
    assert caught.value.code == "ledger_known"
    assert len(await ledger.uploads()) == 1
    assert len(await ledger.history(1)) == 1


async def test_a_row_may_not_name_a_row_that_is_not_there(ledger: Ledger) -> None:
    with pytest.raises(LedgerError) as caught:
        await ledger.add(drop(), state=State.DUPLICATE, duplicate_of=5)
    assert caught.value.code == "ledger_conflict"


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("offered", [False, True])
async def test_a_new_revision_supersedes_what_it_makes_outdated(state: State, *, offered: bool) -> None:
    async with await Ledger.open("sqlite://", now=Clock()) as ledger:
        old = await ledger.add(drop(), state=state)
        old = await ledger.write(old.with_(ticket=ticket(), publish_offered=offered))
        other = await ledger.add(drop(b"/srv/drop/b.mp4", inode=8))
        new = await ledger.add(drop(mtime_ns=5))
        may_be_public = offered and state in {State.FINALIZING, State.FAILED}
        stays = state in {State.PUBLISHED, State.SUPERSEDED} or may_be_public
        now = await ledger.get(old.id)
        assert now is not None
        if stays:
            assert now == old
            assert await ledger.orphans() == []
        else:
            assert now == old.with_(state=State.SUPERSEDED, version=3, ticket=old.ticket if offered else None)
            assert (await ledger.history(old.id))[-1].note == f"by upload {new.id}"
            assert await ledger.orphans() == ([] if offered else ["77"])
        assert await ledger.get(other.id) == other


async def test_a_video_that_was_public_once_never_becomes_an_orphan(ledger: Ledger) -> None:
    """OK refused it after it was published; a person may yet appeal."""
    old = await ledger.add(drop(), state=State.PUBLISHED)
    await ledger.write(old.to(State.FAILED, ticket=ticket()))
    await ledger.add(drop(mtime_ns=5))
    now = await ledger.get(old.id)
    assert now is not None
    assert now.state is State.SUPERSEDED
    assert await ledger.orphans() == []


async def test_a_superseded_revision_may_come_back(ledger: Ledger) -> None:
    await ledger.add(drop())
    await ledger.add(drop(mtime_ns=5))
    again = await ledger.add(drop())
    assert again.id == 3
    assert await ledger.judge(drop()) == Known(upload=again)


async def test_judgements(ledger: Ledger) -> None:
    here = await ledger.add(drop(), state=State.PUBLISHED)
    assert await ledger.judge(drop(inode=99, device=99)) == Known(upload=here)
    assert await ledger.judge(drop(b"/srv/drop/new-name.mp4")) == Moved(upload=here)
    assert await ledger.judge(drop(b"/srv/drop/other.mp4", size=5)) == New()
    assert await ledger.judge(drop(b"/srv/drop/other.mp4", mtime_ns=5)) == New()
    assert await ledger.judge(drop(b"/srv/drop/other.mp4", device=5)) == New()
    assert await ledger.judge(drop(mtime_ns=5)) == Suspect(upload=here)
    assert await ledger.judge(drop(size=5)) == New()


async def test_unknown_is_the_judgement_of_many(ledger: Ledger) -> None:
    known = [drop(b"/srv/drop/%d" % number, inode=number) for number in range(0, 1200, 2)]
    await asyncio.gather(*(ledger.add(one) for one in known))
    many = [drop(b"/srv/drop/%d" % number, inode=number) for number in range(1200)]
    touched = drop(b"/srv/drop/0", mtime_ns=1)
    assert await ledger.unknown([*many, touched]) == [*many[1::2], touched]
    assert await ledger.unknown([]) == []


async def test_lists_and_counts(ledger: Ledger) -> None:
    states = [State.QUEUED, State.FAILED, State.FINALIZING, State.PUBLISHED, State.UPLOADING]
    rows = [
        await ledger.add(drop(b"/%d" % inode, inode=inode), state=state) for inode, state in enumerate(states)
    ]
    assert await ledger.outstanding() == [
        Outstanding(row.id, row.state, held=False, retry_at=None, updated_at=row.updated_at)
        for row in (rows[0], rows[2], rows[4])
    ]
    assert await ledger.uploads() == rows
    assert await ledger.uploads(newest=2) == rows[3:]
    assert await ledger.uploads(states={State.FAILED, State.QUEUED}) == rows[:2]
    assert await ledger.uploads(states={State.FAILED, State.QUEUED}, ids=[2, 4]) == [rows[1]]
    assert await ledger.uploads(ids=[]) == []
    assert await ledger.counts() == {state: int(state in states) for state in State}


async def test_orphans(ledger: Ledger, clock: Clock) -> None:
    upload = await ledger.add(drop(), state=State.UPLOADING)
    upload = await ledger.write(upload.with_(ticket=ticket("1")))
    upload = await ledger.write(upload.with_(ticket=ticket("2")), orphan="1")
    clock.forward(seconds=1)
    await ledger.add_orphan("3")
    await ledger.add_orphan("3")
    assert await ledger.orphans() == ["1", "3"]
    assert await ledger.orphan_failed("1") == 1
    assert await ledger.orphan_failed("unheard of") == 0
    assert await ledger.orphans() == ["3", "1"]
    assert await ledger.orphans(tries_below=1) == ["3"]
    await ledger.orphan_deleted("3")
    await ledger.orphan_deleted("unheard of")
    assert await ledger.orphans() == ["1"]


async def test_an_orphan_is_of_the_account_that_its_row_had(ledger: Ledger) -> None:
    upload = await ledger.add(drop(), account="kids")
    upload = await ledger.write(upload.with_(ticket=ticket("1")))
    upload = await ledger.write(upload.with_(ticket=None, account=""), orphan="1")
    await ledger.add_orphan("2", account="cats")
    await ledger.add_orphan("3")
    assert [await ledger.orphans(account=name) for name in ("", "kids", "cats")] == [["3"], ["1"], ["2"]]
    newer = await ledger.add(drop(mtime_ns=7), account="kids")
    await ledger.write(newer.with_(ticket=ticket("4")))
    await ledger.add(drop(mtime_ns=8), account="cats")  # another revision, for another account by now
    assert "4" in await ledger.orphans(account="kids")


async def test_the_video_of_the_rows_own_ticket_is_no_orphan(ledger: Ledger) -> None:
    upload = await ledger.add(drop(), state=State.UPLOADING)
    with pytest.raises(LocalProtocolError):
        await ledger.write(upload.with_(ticket=ticket("1")), orphan="1")
    assert await ledger.get(upload.id) == upload
    assert await ledger.orphans() == []


async def test_the_pace_of_a_host_is_believed_for_a_day(ledger: Ledger, clock: Clock) -> None:
    await ledger.remember_pace("vu.okcdn.ru", 4)
    await ledger.remember_pace("vu.okcdn.ru", 16)
    assert await ledger.paces() == {"vu.okcdn.ru": (16, clock())}
    clock.forward(hours=23)
    await ledger.remember_pace("vu2.okcdn.ru:8080", 2)
    assert {*await ledger.paces()} == {"vu.okcdn.ru", "vu2.okcdn.ru:8080"}
    clock.forward(hours=1)
    assert {*await ledger.paces()} == {"vu2.okcdn.ru:8080"}
    clock.forward(days=-3)
    assert await ledger.paces() == {}, "a proof of tomorrow is none"


async def test_a_pace_that_is_noted_drives_out_the_old_ones(ledger: Ledger, clock: Clock) -> None:
    await ledger.remember_pace("vu1", 4)
    clock.forward(days=2)
    await ledger.remember_pace("vu2", 4)
    count = "SELECT count(*) FROM paces"
    assert await ledger._thread.read(lambda one: one.exec_driver_sql(count).scalar_one()) == 1


async def test_an_orphan_is_noted_only_with_its_write(ledger: Ledger) -> None:
    upload = await ledger.add(drop())
    await ledger.write(upload.with_(attempts=1))
    with pytest.raises(StaleVersion):
        await ledger.write(upload, orphan="1")
    assert await ledger.orphans() == []


async def test_a_hosts_mode_is_believed_for_a_day(ledger: Ledger, clock: Clock) -> None:
    assert await ledger.host_mode("vu.okcdn.ru") is None
    await ledger.remember_host("vu.okcdn.ru", Mode.SEQUENTIAL)
    await ledger.remember_host("vu.okcdn.ru", Mode.PARALLEL)
    assert await ledger.host_mode("vu.okcdn.ru") is Mode.PARALLEL
    assert await ledger.host_mode("elsewhere") is None
    clock.forward(hours=23.9)
    assert await ledger.host_mode("vu.okcdn.ru") is Mode.PARALLEL
    clock.forward(hours=0.1)
    assert await ledger.host_mode("vu.okcdn.ru") is None
    await ledger.remember_host("vu.okcdn.ru", Mode.PARALLEL)
    clock.forward(days=-2)
    assert await ledger.host_mode("vu.okcdn.ru") is None
    clock.forward(days=2)
    await ledger.remember_host("vu.okcdn.ru", None)
    assert await ledger.host_mode("vu.okcdn.ru") is None


async def test_a_closed_ledger_says_so(ledger: Ledger) -> None:
    await ledger.close()
    await ledger.close()
    with pytest.raises(LedgerError) as caught:
        await ledger.counts()
    assert caught.value.code == "ledger_closed"


async def test_all_of_it_is_there_after_a_reopening(url: str, clock: Clock) -> None:
    async with await Ledger.open(url, now=clock) as first:
        upload = await first.write(full(await first.add(drop(), state=State.UPLOADING)), orphan="1")
        history = await first.history(upload.id)
        await first.remember_host("h", Mode.PARALLEL)
    async with await Ledger.open(url, now=clock) as second:
        assert await second.get(upload.id) == upload
        assert await second.history(upload.id) == history
        assert await second.orphans() == ["1"]
        assert await second.host_mode("h") is Mode.PARALLEL


async def test_nobody_else_may_read_its_files(file: Path, url: str) -> None:
    """Upload URLs are secrets; the side files matter as much as the main one."""
    async with await Ledger.open(url) as opened:
        await opened.add(drop())
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()}
    assert modes == dict.fromkeys(["ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.db.lock"], 0o600)
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


async def test_no_error_shows_a_secret(ledger: Ledger) -> None:
    upload = await ledger.add(drop())
    bad = upload.with_(ticket=ticket(), duplicate_of=99)
    with pytest.raises(LedgerError) as caught:
        await ledger.write(bad)
    chain: BaseException | None = caught.value
    while chain is not None:
        assert SECRET not in f"{chain!s}{chain!r}"
        assert "SECRETSIGNATURE" not in f"{chain!s}{chain!r}"
        chain = chain.__cause__ or chain.__context__


@pytest.mark.parametrize(
    "wrong", ["", "ledger.db", "mysql://me:SECRET@host/db", "postgresql://me:SECRET@host/db"]
)
async def test_a_url_that_is_none_of_ours_is_refused_without_showing_it(wrong: str) -> None:
    with pytest.raises(LedgerError) as caught:
        await Ledger.open(wrong)
    assert caught.value.code == "ledger_url"
    assert "SECRET" not in str(caught.value)


async def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LedgerError) as caught:
        await Ledger.open(f"sqlite:///{tmp_path}/file/ledger.db")
    assert caught.value.code == "ledger_disk"


async def test_a_folder_is_known_after_its_first_look(ledger: Ledger) -> None:
    assert not await ledger.is_folder_known("/srv/drop", device=1)
    await ledger.note_folder("/srv/drop")
    await ledger.note_folder("/srv/drop", empty_on=1)
    for device in (1, 2):
        assert await ledger.is_folder_known("/srv/drop", device=device)
    assert not await ledger.is_folder_known("/srv", device=1)


async def test_a_folder_in_which_there_was_nothing_is_known_on_that_device_alone(ledger: Ledger) -> None:
    first, second = 2**64 - 1, 7
    for device in (first, second):
        await ledger.note_folder("/srv/drop", empty_on=device)
        assert [await ledger.is_folder_known("/srv/drop", device=each) for each in (first, second)] == [
            device == first,
            device == second,
        ]
    await ledger.note_folder("/srv/drop")
    assert await ledger.is_folder_known("/srv/drop", device=first)


async def test_chores_are_what_is_left_to_do_after_publishing(ledger: Ledger) -> None:
    await ledger.add(drop(b"/done"), state=State.PUBLISHED)
    row = await ledger.add(drop(b"/left"), state=State.PUBLISHED, chore=Chore.MOVE)
    assert await ledger.with_chores() == [row.id]
    row = await ledger.write(row.with_(chore=Chore.CONFIRM, moved_to=b"/away/\xff"))
    assert await ledger.with_chores() == [row.id]
    await ledger.write(row.with_(chore=None))
    assert await ledger.with_chores() == []


async def test_what_another_process_writes_is_noticed(url: str) -> None:
    async with await Ledger.open(url) as ours, await Ledger.open(url, lock=False) as theirs:
        before = await ours.foreign_writes()
        await ours.add(drop(b"/ours"))
        assert await ours.foreign_writes() == before
        await theirs.add(drop(b"/theirs"))
        assert await ours.foreign_writes() != before


async def test_a_file_that_was_gone_is_not_known_any_more(ledger: Ledger) -> None:
    """It may be back; any other failure stands."""
    row = await ledger.add(drop(b"/gone"))
    await ledger.write(row.to(State.FAILED, failure=Failure(code=SOURCE_GONE, message="it is gone")))
    row = await ledger.add(drop(b"/bad", inode=8))
    await ledger.write(row.to(State.FAILED, failure=Failure(code="bad_file", message="no video")))
    both = [drop(b"/gone"), drop(b"/bad", inode=8)]
    assert await ledger.unknown(both) == both[:1]


# --- forgetting ---------------------------------------------------------------------------------------


async def pruned(ledger: Ledger, clock: Clock, *, at_most: int = 1000) -> int:
    """Forget all that ended a day ago; returns how many steps that were."""
    gone, after = 0, 0
    while True:
        step = await ledger.prune(before=clock() - timedelta(days=1), after=after, at_most=at_most)
        gone += step.gone
        if step.next is None:
            return gone
        assert step.next > after
        after = step.next


async def ended(ledger: Ledger, state: State, path: bytes = b"/a") -> Upload:
    row = await ledger.add(drop(path), note="settled")
    for following in {
        State.PUBLISHED: [State.UPLOADING, State.FINALIZING, State.PUBLISHED],
        State.FAILED: [State.UPLOADING, State.FAILED],
    }.get(state, [state]):
        row = await ledger.write(row.to(following))
    return row


@pytest.mark.parametrize("at_most", [1, 2, 1000])
async def test_the_steps_of_an_upload_that_ended_long_ago_are_forgotten_and_the_row_is_not(
    ledger: Ledger, clock: Clock, at_most: int
) -> None:
    row = await ended(ledger, State.FAILED)
    assert len(await ledger.history(row.id)) == 3
    assert await pruned(ledger, clock, at_most=at_most) == 0
    clock.forward(days=2)
    assert await pruned(ledger, clock, at_most=at_most) == 3
    assert await ledger.history(row.id) == []
    assert await ledger.get(row.id) == row
    assert await pruned(ledger, clock, at_most=at_most) == 0


async def test_that_an_upload_was_published_is_never_forgotten(ledger: Ledger, clock: Clock) -> None:
    row = await ended(ledger, State.PUBLISHED)
    row = await ledger.write(
        row.to(State.FAILED, ticket=ticket(), failure=Failure(code="video_error", message="no"))
    )
    clock.forward(days=2)
    assert await pruned(ledger, clock) == 4
    assert [step.to_state for step in await ledger.history(row.id)] == [State.PUBLISHED]
    # By that its video is spared when a newer file takes its place.
    await ledger.add(drop(b"/a", size=200_000))
    assert (await ledger.uploads(ids=[row.id]))[0].state is State.SUPERSEDED
    assert await ledger.orphans() == []


@pytest.mark.parametrize("state", [State.QUEUED, State.UPLOADING, State.FINALIZING])
async def test_what_goes_on_by_itself_keeps_its_history(ledger: Ledger, clock: Clock, state: State) -> None:
    row = await ledger.add(drop())
    for following in (State.UPLOADING, State.FINALIZING):
        if row.state is not state:
            row = await ledger.write(row.to(following))
    clock.forward(days=2)
    assert await pruned(ledger, clock) == 0


async def test_what_has_something_left_to_do_keeps_its_history(ledger: Ledger, clock: Clock) -> None:
    row = await ended(ledger, State.PUBLISHED)
    row = await ledger.write(row.with_(chore=Chore.CONFIRM))
    clock.forward(days=2)
    assert await pruned(ledger, clock) == 0
    await ledger.write(row.with_(chore=None))
    assert await pruned(ledger, clock) == 0  # it ended only now
    clock.forward(days=2)
    assert await pruned(ledger, clock) == 3


async def test_younger_steps_are_not_even_looked_at(ledger: Ledger, clock: Clock) -> None:
    await ended(ledger, State.FAILED, b"/old")
    clock.forward(days=2)
    for number in range(10):
        await ended(ledger, State.FAILED, b"/%d" % number)
    first = await ledger.prune(before=clock() - timedelta(days=1), after=0, at_most=3)
    assert (first.gone, first.next) == (3, 3)
    second = await ledger.prune(before=clock() - timedelta(days=1), after=3, at_most=3)
    assert (second.gone, second.next) == (0, None)


async def test_rows_are_read_in_lots_however_many_there_are(ledger: Ledger) -> None:
    """More at once than a database takes parameters for one statement."""
    await ledger.add_all([drop(b"/%d" % number, inode=number) for number in range(1200)])
    numbers = [one.id for one in await ledger.outstanding()]
    rows = [await ledger.uploads(ids=some) for some in lots(numbers)]
    assert [len(lot) for lot in rows] == [500, 500, 200]
    assert [row.id for lot in rows for row in lot] == numbers == sorted(numbers)
    assert [*lots([])] == []


@pytest.mark.parametrize(
    ("moved_to", "folder", "below"),
    [
        (b"/done/a.mp4", b"/done", True),
        (b"/done/deep/a.mp4", b"/done/", True),
        (b"/done/\xff\xff", b"/done", True),
        (b"/a.mp4", b"/", True),
        (b"/done", b"/done", False),
        (b"/done2/a.mp4", b"/done", False),
        (b"/don/a.mp4", b"/done", False),
        (None, b"/done", False),
    ],
)
async def test_what_was_moved_below_a_folder_is_known(
    ledger: Ledger, moved_to: bytes | None, folder: bytes, *, below: bool
) -> None:
    row = await ledger.add(drop(), state=State.PUBLISHED)
    await ledger.write(row.with_(moved_to=moved_to))
    assert await ledger.was_moved_below(folder) is below

"""What stands in the way, in words, for as long as it does."""

from __future__ import annotations

import dataclasses

import pytest

from okdrop import events
from okdrop.observe.condition import Condition

READY = events.ServiceReady(unfinished=0, seconds=0.1)
HALT = events.PoolHalted(code="api_102", message="the token has expired", hint="")
AWAY = events.FolderAway(path="/srv", code="folder_missing", message="/srv is not there", hint="")
STUCK = events.LedgerStuck(code="ledger_disk", message="the disk is full", hint="")


def hearing(*told: events.Event) -> Condition:
    condition = Condition()
    for event in told:
        condition.hear(event)
    return condition


def test_it_is_not_ready_before_everything_was_looked_through_and_once_it_stops() -> None:
    assert hearing().reasons == ["starting: the folders are looked through for the first time"]
    assert hearing(READY).reasons == []
    assert hearing(READY, events.DrainStarted(signal="SIGTERM", timeout=1.0)).reasons == [
        "stopping: segments under way may land"
    ]


@pytest.mark.parametrize(
    ("trouble", "end", "words"),
    [
        (HALT, events.PoolResumed(code="api_102", reason="", seconds=1.0), "halted: the token has expired"),
        (AWAY, events.FolderBack(path="/srv"), "waiting for a folder: /srv is not there"),
        (STUCK, events.LedgerWritable(seconds=1.0), "held up: the disk is full"),
    ],
)
def test_what_keeps_it_from_its_work_is_a_reason_until_it_is_over(
    trouble: events.Event, end: events.Event, words: str
) -> None:
    condition = hearing(READY, trouble)
    assert condition.reasons == condition.troubles
    assert condition.reasons[0].startswith(words)
    condition.hear(end)
    assert condition.reasons == condition.troubles == []


def test_two_accounts_are_halted_each_for_itself() -> None:
    kids = dataclasses.replace(HALT, account="kids")
    condition = hearing(READY, HALT, kids)
    assert condition.reasons[1].startswith("halted: kids: the token has expired")
    condition.hear(events.PoolResumed(code="api_102", reason="", seconds=1.0))
    assert [words.partition(": the")[0] for words in condition.reasons] == ["halted: kids"]


def test_what_is_waited_for_or_meant_is_told_and_is_no_reason() -> None:
    condition = hearing(READY, events.ServicePaused(), events.NetworkOffline(since="", host="h", reason="r"))
    assert condition.troubles == ["paused by hand", "offline: h: r"]
    assert condition.reasons == []


def test_a_disk_that_gets_full_is_told_and_is_no_reason() -> None:
    condition = hearing(READY, events.DiskLow(path="/srv", free=1, least=2, hint=""))
    assert condition.troubles == ["little space is left: where /srv lies"]
    assert condition.reasons == []
    condition.hear(events.DiskAmple(path="/srv", free=3))
    assert condition.troubles == []


def test_a_ledger_that_is_waited_for_is_known() -> None:
    assert hearing(STUCK).ledger_is_stuck
    assert not hearing(STUCK, events.LedgerWritable(seconds=1.0)).ledger_is_stuck

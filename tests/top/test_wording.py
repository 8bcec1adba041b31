from __future__ import annotations

import dataclasses
from datetime import timedelta

from okdrop.top.model import status_of
from okdrop.top.wording import counts, host, limit, pace, queued
from top.making import NOW, row, status_document


def test_states_without_uploads_are_not_counted_aloud() -> None:
    assert counts(status_of(status_document())) == "12,000 published, 1 failed"
    assert counts(status_of(status_document(counts={}))) == "nothing was ever dropped"
    assert "3 held: okdrop go" in counts(status_of(status_document(held=3)))


def test_a_limit_says_whose_it_is() -> None:
    whole = {"folder": "", "configured": "", "by_hand": "2MB/s", "since": "x", "rate": 2_000_000}
    assert limit(status_of(status_document(limits=[whole]))) == "at most 2MB/s, set by hand"
    assert limit(status_of(status_document())) == "no limit"


def test_below_a_kilobyte_a_second_nothing_moves() -> None:
    assert [pace(rate) for rate in (0, 2.205, 999, 1000)] == ["-", "-", "-", "1.0 kB/s"]
    quiet = status_of(status_document()).hosts[0]
    assert host(dataclasses.replace(quiet, goodput=2.205)).startswith("vu.okcdn.ru: -, 4 connections")


def test_for_what_an_upload_waits_is_said() -> None:
    later = (NOW + timedelta(seconds=90)).isoformat()
    assert queued(row(1, retry_at=later), NOW) == "10.0 MB, next try in 1:30"
    assert queued(row(1, waits_for=7), NOW) == "10.0 MB, waits for the end of upload 7"
    assert queued(row(1, held=True), NOW) == "10.0 MB, held: okdrop go releases it"

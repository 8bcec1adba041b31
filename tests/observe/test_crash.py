"""A crash is told with its place, and without what the variables held."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from okdrop.errors import LedgerError
from okdrop.observe.crash import ended_by

if TYPE_CHECKING:
    from okdrop.events import ServiceCrashed

SIGNED = "https://vu.okcdn.ru/upload.do?sig=0123456789abcdef0123456789abcdef"


def crash() -> None:
    access_token = "-".join(["tkn1", "x" * 30])  # in a variable only, as they are
    raise ValueError(f"cannot use {SIGNED} nor {access_token}")


async def crashes_in_a_task() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.to_thread(crash))


def caught() -> ServiceCrashed:
    try:
        asyncio.run(crashes_in_a_task())
    except ExceptionGroup as group:
        return ended_by(group)
    raise AssertionError


def test_it_names_what_and_where() -> None:
    told = caught()
    assert told.message == "ValueError: cannot use [url] nor [secret]"
    assert "in crash" in told.traceback
    assert 'raise ValueError(f"cannot use {SIGNED} nor {access_token}")' in told.traceback
    assert told.traceback.endswith(told.message)
    assert "ExceptionGroup" not in told.traceback


def test_it_shows_no_value_of_a_variable_and_no_signed_url() -> None:
    told = caught()
    for secret in ("x" * 30, "0123456789abcdef"):
        assert secret not in told.traceback + told.message


def test_causes_come_first() -> None:
    try:
        try:
            crash()
        except ValueError as error:
            raise LedgerError("the ledger could not do it") from error
    except LedgerError as error:
        told = ended_by(error)
    assert told.message == "LedgerError: the ledger could not do it"
    assert told.traceback.index("ValueError") < told.traceback.index("LedgerError: ")

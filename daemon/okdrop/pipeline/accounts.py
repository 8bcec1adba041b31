"""For whom an upload is sent: whose client, whose limits, and what becomes of it while its account is halted.

A row's account is decided when the row is made. One that has a video goes on with the account that the video
is of, whatever the configuration says by now; any other takes the account that its folder has now, at the
moment at which a worker takes it up. So no video is ever published with another account's token.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from okdrop import events
from okdrop.drop import UNFINISHED
from okdrop.errors import Halted, UploadError
from okdrop.pipeline.breakers import ACCOUNT, API

if TYPE_CHECKING:
    from datetime import datetime

    from okdrop.client import Client
    from okdrop.drop import Drop, Upload
    from okdrop.pipeline.line import Line, OpenUploads
    from okdrop.pipeline.parts import Parts

ASKED_WITHIN: Final = 10.0
"""Seconds that a run which had nothing to ask OK for an account waits for its one question."""


def client_of(parts: Parts, account: str) -> Client:
    """Who talks to OK for an account.

    Raises:
        Halted: `account_missing`, the configuration has no such account any more.
    """
    if not account:
        return parts.client
    client = parts.clients.get(account)
    if client is None:
        raise missing(account)
    return client


def clients(parts: Parts) -> dict[str, Client]:
    """Who talks to OK for each account of the configuration, that of `[ok]` first."""
    return {"": parts.client, **parts.clients}


def clock_skew(parts: Parts) -> float | None:
    """Seconds that our clock is ahead of OK's, by what any account was answered; None: OK has not said.

    Of several the largest, since what it is asked for is whether something is old enough to be deleted.
    """
    known = [client.clock_skew for client in clients(parts).values()]
    return max((skew for skew in known if skew is not None), default=None)


def now_by_ok(parts: Parts) -> datetime:
    """What time it is by OK's clock, as far as it is known: ours may be days behind, and be set."""
    return parts.now() - timedelta(seconds=clock_skew(parts) or 0.0)


def missing(account: str) -> Halted:
    """Why the uploads of an account wait that the configuration does not have."""
    return Halted(
        f"there is no account {account} in the configuration any more",
        code="account_missing",
        hint=f"bring [account.{account}] back, then restart; or okdrop cancel ID",
    )


def is_known(parts: Parts, account: str) -> bool:
    """Whether the configuration has this account."""
    return not account or account in parts.clients


def call_of(parts: Parts, account: str) -> tuple[str, str]:
    """The places that have to be well for a call of an account (`pipeline.breakers`)."""
    return f"{ACCOUNT} {account}" if account else ACCOUNT, parts.apis.get(account, API)


def account_for(parts: Parts, drop: Drop) -> str:
    """Whose a file's new upload is."""
    return parts.senders.get(drop.folder, "")


def account_now(parts: Parts, row: Upload) -> str:
    """Whose an upload is from now on: what has a video, or an end, stays with the account that it is of."""
    if row.ticket is not None or row.publish_offered or row.state not in UNFINISHED:
        return row.account
    return parts.senders.get(row.drop.folder, row.account)


async def with_its_account(parts: Parts, row: Upload) -> Upload:
    """The row as its account is now.

    Raises:
        StaleVersion: somebody else wrote the row.
    """
    account = account_now(parts, row)
    if account == row.account:
        return row
    note = f"its folder sends for {in_words(account)} now, no longer for {in_words(row.account)}"
    return await parts.ledger.write(row.with_(account=account), note=note)


def in_words(account: str) -> str:
    """How an account is called to a person."""
    return f"the account {account}" if account else "the account of [ok]"


def admits(parts: Parts, row: Upload, line: Line, opened: OpenUploads) -> bool:
    """Whether an upload may be worked on; else it waits for its account, or for the next run.

    Args:
        parts: what all stages share.
        row: the upload.
        line: where it belongs once its account is released.
        opened: where it waits. A run that ends is done with it.
    """
    if not is_known(parts, row.account):
        parts.halt(row, missing(row.account))
    if not parts.brake.is_halted_for(row.account):
        return True
    if parts.brake.stays:
        opened.park(row.id, row.account, line)
    else:
        opened.end(row.id)
    return False


async def ask_who_we_are(parts: Parts) -> None:
    """A run without anything to send says all the same that credentials are dead; offline, it ends well."""
    for account in sorted({*parts.senders.values()}):
        client = client_of(parts, account)
        if parts.brake.is_halted_for(account) or client.has_accepted:
            continue
        try:
            async with asyncio.timeout(ASKED_WITHIN):
                await client.current_user()
        except Halted as error:
            parts.brake.halt(error, account=account)
            parts.emit(
                events.PoolHalted(code=error.code, message=error.message, hint=error.hint, account=account)
            )
        except (UploadError, TimeoutError):
            pass  # nobody can be reached, and nothing was to be sent

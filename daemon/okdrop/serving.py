"""A daemon's own HTTP, put together: what it asks of the pipeline and the parts, and who listens to events.

What is imported here costs memory and a tenth of a second, so nothing is where nothing listens.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import urllib.parse
from typing import TYPE_CHECKING, Any, Final

from okdrop import __version__
from okdrop.config.window import day_of
from okdrop.documents import picture_as_json, rfc3339
from okdrop.errors import LedgerError
from okdrop.pipeline import covers
from okdrop.pipeline.accounts import client_of, clients
from okdrop.words import video_page

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from datetime import datetime

    from okdrop.config import Config
    from okdrop.config.model import Web
    from okdrop.events import Audience
    from okdrop.ledger import Reader
    from okdrop.observe.condition import Condition
    from okdrop.observe.gauges import InLedger, Sources
    from okdrop.observe.progress import Progress
    from okdrop.observe.sights import Sights
    from okdrop.pipeline import Parts, Pipeline, Postings
    from okdrop.pipeline.candidates import FilesWaiting
    from okdrop.pipeline.underway import Sending
    from okdrop.web import Daemon, Listen, Looks

PATIENCE: Final = 3.0
"""How many times as long as an answer may take nothing may move, where that is long."""

READ_WITHIN: Final = 5.0
"""Seconds that metrics wait for the ledger."""


@contextlib.asynccontextmanager
async def serving(
    config: Config,
    pipeline: Pipeline,
    parts: Parts,
    *,
    condition: Condition,
    audience: Audience,
    began_at: datetime,
) -> AsyncIterator[str]:
    """Answer HTTP within the block, where the configuration wants it; gives the address, or "".

    Raises:
        ConfigurationError: it cannot be listened there.
    """
    if config.web.address is None:
        yield ""
        return
    from okdrop.observe.metrics import Metrics  # noqa: PLC0415 - see above
    from okdrop.observe.sights import Sights  # noqa: PLC0415 - see above
    from okdrop.web import Looks, WebServer  # noqa: PLC0415 - see above

    progress = _progress(config, pipeline, parts, condition)
    audience.add(progress.hear)
    sights = Sights(parts.now, parts.monotonic, began_at)
    looks = Looks(config.ledger.url.get_secret_value())
    metrics = Metrics(
        version=__version__, sources=_sources(pipeline, parts, condition, progress), monotonic=parts.monotonic
    )
    parts.ledger.time(parts.monotonic, metrics.ledger_took)

    async def rendered() -> tuple[bytes, str]:
        return metrics.render(await _in_ledger(looks))

    daemon = _daemon(
        config,
        pipeline,
        parts,
        looks=looks,
        sights=sights,
        condition=condition,
        progress=progress,
        metrics=rendered,
    )
    audience.add(metrics.hear)
    audience.add(sights.hear)
    listen = _listen(config.web, *config.web.address)
    server = WebServer(listen, daemon, monotonic=parts.monotonic, emit=audience)
    async with server, _watched(progress):
        audience.add(server.stream.hear)
        yield server.address


@contextlib.asynccontextmanager
async def _watched(progress: Progress) -> AsyncIterator[None]:
    """Have it look regularly for as long as the block lasts."""
    watching = asyncio.create_task(progress.watch())
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.wait({watching})


def _listen(web: Web, host: str, port: int) -> Listen:
    """Where it listens, and for whom."""
    from okdrop.web import Listen  # noqa: PLC0415 - see above

    tokens = {name: getattr(web, name).get_secret_value() for name in ("token", "view_token")}
    return Listen(host=host, port=port, hosts=web.hosts, **tokens)


def _daemon(
    config: Config,
    pipeline: Pipeline,
    parts: Parts,
    *,
    looks: Looks,
    sights: Sights,
    condition: Condition,
    progress: Progress,
    metrics: Callable[[], Awaitable[tuple[bytes, str]]],
) -> Daemon:
    """The daemon, as its HTTP sees it."""
    from okdrop.web import Daemon, Space  # noqa: PLC0415 - see above

    tokens = sights.tokens
    return Daemon(
        version=__version__,
        videos_at=_videos_at(config.ok.api_url),
        began_at=tokens.began_at,
        now=parts.now,
        ledger=parts.ledger,
        looks=looks,
        log_level=config.log.level,
        limits=config.limits,
        quotas=lambda reader: _quotas(parts.posting, parts.now(), reader),
        standing=lambda: pipeline.standing,
        condition=condition,
        is_stuck=lambda: progress.is_stuck,
        accounts=lambda: [_account(parts, account, tokens(account)) for account in clients(parts)],
        hosts=lambda: [dataclasses.asdict(host) for host in parts.pacing.hosts()],
        folders=sights.folders,
        space=Space([folder for folder in config.limits if folder], parts.monotonic),
        sending=lambda: [_sending(one) for one in parts.underway.now()],
        speeds=sights.speeds.look,
        cover=covers.seen,
        files=lambda at_most: waiting_as_json(pipeline.watcher.waiting(at_most)),
        ordered=pipeline.orders.heed,
        decided=pipeline.overrides.look,
        metrics=metrics,
    )


def _videos_at(api_url: str) -> str:
    """Where videos are seen; "" where the API is not OK's own: what plays OK has pages of its own."""
    host = urllib.parse.urlsplit(api_url).hostname or ""
    return video_page("") if f".{host}".endswith((".ok.ru", ".odnoklassniki.ru")) else ""


def _sending(one: Sending) -> dict[str, Any]:
    """Where the bytes of an upload under way are."""
    place = {"id": one.upload, "path": os.fsdecode(one.path), "host": one.host}
    return place | picture_as_json(one.picture, one.on_line)


def _quotas(postings: Postings, now: datetime, reader: Reader) -> list[dict[str, Any]]:
    """How many posts there may be today, of all (""), and of each folder; of those that have a limit."""
    first, end = day_of(now, postings.zone)
    limits = {"": postings.per_day} | {
        folder: posting.per_day for folder, posting in postings.folders.items() if folder
    }
    return [
        {
            "folder": folder,
            "posts_per_day": limit,
            "posted_today": reader.posts(folder=folder or None, first=first, end=end, at_most=limit),
        }
        for folder, limit in limits.items()
        if limit
    ]


def _account(parts: Parts, account: str, since: datetime) -> dict[str, Any]:
    """How an account stands."""
    why = parts.brake.halt_of(account)
    halted = None if why is None else {"code": why.code, "message": why.message, "hint": why.hint}
    folders = sum(name == account for folder, name in parts.senders.items() if folder)
    client = client_of(parts, account)
    accepted, ends = why is None and client.has_accepted, client.credentials_end
    return {
        "account": account,
        "folders": folders,
        "accepted": accepted,
        "in_use_since": rfc3339(since),
        "expires_at": rfc3339(ends) if ends is not None else None,
        "halted": halted,
    }


def _progress(config: Config, pipeline: Pipeline, parts: Parts, condition: Condition) -> Progress:
    """Tells what hangs from what waits: what `/readyz` tells of, or a person wants, is waited for."""
    from okdrop.observe.progress import LIMIT, Progress  # noqa: PLC0415 - see above

    def could_go_on() -> bool:
        now = pipeline.standing
        return now.in_hand + now.due > 0 and not parts.brake.holds and not condition.reasons

    return Progress(
        parts.monotonic,
        could_go_on=could_go_on,
        read=lambda: parts.reading.blocks.count,
        limit=max(LIMIT, PATIENCE * config.upload.answer_timeout),
    )


def _sources(pipeline: Pipeline, parts: Parts, condition: Condition, progress: Progress) -> Sources:
    from okdrop.observe.gauges import Sources  # noqa: PLC0415 - see above

    return Sources(
        standing=lambda: pipeline.standing,
        hosts=parts.pacing.hosts,
        limits=lambda: {folder: throttle.look() for folder, throttle in parts.throttles.items()},
        accepted=lambda: [account for account, client in clients(parts).items() if client.has_accepted],
        ends=lambda: {
            account: client.credentials_end
            for account, client in clients(parts).items()
            if client.credentials_end is not None
        },
        ready=lambda: not condition.reasons,
        still_for=lambda: progress.still_for,
        now=parts.now,
        files=lambda: {cause.value: count for cause, count in pipeline.watcher.waiting(0).causes.items()},
    )


def waiting_as_json(waiting: FilesWaiting) -> dict[str, Any]:
    """Files that are not finished yet: how many by each reason, and some of them."""
    return {
        "count": waiting.causes.total(),
        "reasons": {cause.value: count for cause, count in waiting.causes.items()},
        "files": [
            {
                "path": os.fsdecode(one.path),
                "folder": one.folder,
                "reason": one.cause.value,
                "words": f"waiting: {one.reason}",
                "seconds": round(one.seconds, 3),
            }
            for one in waiting.longest
        ],
    }


async def _in_ledger(looks: Looks) -> InLedger | None:
    """What metrics have from the ledger; None where it gives no answer in time."""
    from okdrop.observe.gauges import InLedger  # noqa: PLC0415 - see above

    def read(reader: Reader) -> InLedger:
        orphans = reader.count_orphans()
        return InLedger(
            counts=reader.counts(),
            held=reader.held(),
            orphans=orphans.waiting,
            orphans_given_up=orphans.given_up,
            oldest_open=reader.oldest_open(),
        )

    try:
        async with asyncio.timeout(READ_WITHIN):
            return await looks(read)
    except (TimeoutError, LedgerError):
        return None

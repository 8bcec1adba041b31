"""A daemon's own HTTP, put together: what it asks of the pipeline and the parts, and who listens to events.

What is imported here costs memory and a tenth of a second, so nothing is where nothing listens.
"""

from __future__ import annotations

import contextlib
import dataclasses
from typing import TYPE_CHECKING

from okdrop import __version__

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

    from okdrop.config import Config
    from okdrop.events import Audience
    from okdrop.observe.condition import Condition
    from okdrop.pipeline import Parts, Pipeline


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
    from okdrop.web import Daemon, Listen, WebServer  # noqa: PLC0415 - see above

    host, port = config.web.address
    listen = Listen(host=host, port=port, token=config.web.token.get_secret_value(), hosts=config.web.hosts)
    daemon = Daemon(
        version=__version__,
        began_at=began_at,
        now=parts.now,
        ledger=parts.ledger,
        ledger_url=config.ledger.url.get_secret_value(),
        limits=config.limits,
        standing=lambda: pipeline.standing,
        condition=condition,
        hosts=lambda: [dataclasses.asdict(host) for host in parts.pacing.hosts()],
        ordered=pipeline.orders.heed,
        decided=pipeline.overrides.look,
    )
    async with WebServer(listen, daemon, monotonic=parts.monotonic, emit=audience) as server:
        audience.add(server.stream.hear)
        yield server.address

"""Who hears of what becomes of uploads, by the configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from okdrop.client.webhooks import Address
from okdrop.hooks import surroundings
from okdrop.pipeline.notices import Command, Listener, Notices
from okdrop.steps import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from okdrop.config import Config
    from okdrop.config.notices import Hook, Webhook


def notices(config: Config, environ: Mapping[str, str]) -> Notices:
    """Who hears of what becomes of uploads, by the configuration; `environ`: of it a hook gets a little."""
    hooks, webhooks = [*map(_hook, config.hook)], [*map(_webhook, config.webhook)]
    return Notices(
        listeners=(*(one for one, _ in hooks), *(one for one, _ in webhooks)),
        commands={one.lane: command for one, command in hooks},
        addresses={one.lane: address for one, address in webhooks},
        environment=surroundings(environ),
    )


def _hook(hook: Hook) -> tuple[Listener, Command]:
    return _listener(hook, Kind.HOOK), Command(command=hook.command, timeout=hook.timeout)


def _webhook(webhook: Webhook) -> tuple[Listener, Address]:
    address = Address(
        url=webhook.url.get_secret_value(),
        secret=webhook.secret.get_secret_value(),
        timeout=webhook.timeout,
        give_up_after=webhook.give_up_after,
        tries=webhook.tries,
    )
    return _listener(webhook, Kind.WEBHOOK), address


def _listener(configured: Hook | Webhook, kind: Kind) -> Listener:
    return Listener(
        kind=kind,
        name=configured.name,
        occasions=frozenset(configured.events),
        folders=frozenset(map(str, configured.folders)),
    )

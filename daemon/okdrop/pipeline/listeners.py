"""Who hears of what becomes of uploads, by the configuration."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from okdrop.client.webhooks import Address
from okdrop.hooks import surroundings
from okdrop.pipeline.messengers import Receiver
from okdrop.pipeline.notices import Command, Listener, Notices
from okdrop.pipeline.rhythm import Rhythm
from okdrop.steps import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from okdrop.config import Config
    from okdrop.config.notices import Hook, Webhook
    from okdrop.config.notify import Notify


def notices(config: Config, environ: Mapping[str, str]) -> Notices:
    """Who hears of what becomes of uploads, by the configuration; `environ`: of it a hook gets a little."""
    hooks, webhooks = [*map(_hook, config.hook)], [*map(_webhook, config.webhook)]
    persons = [(_person(one), receiver_of(config, one)) for one in config.notify]
    return Notices(
        listeners=(*(one for one, _ in hooks), *(one for one, _ in webhooks), *(one for one, _ in persons)),
        commands={one.lane: command for one, command in hooks},
        addresses={one.lane: address for one, address in webhooks},
        receivers={one.lane: receiver for one, receiver in persons},
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


def _person(configured: Notify) -> Listener:
    return dataclasses.replace(_listener(configured, Kind.NOTIFY), occasions=configured.occasions)


def receiver_of(config: Config, configured: Notify) -> Receiver:
    """Who gets messages, by the configuration."""
    rhythm = Rhythm(
        digest=configured.digest,
        at_most=configured.at_most,
        per=configured.per,
        quiet=configured.quiet,
        urgent=frozenset(configured.urgent),
    )
    return Receiver(
        url=configured.url.get_secret_value(),
        language=configured.language,
        rhythm=rhythm,
        timeout=configured.timeout,
        within=configured.give_up_after + configured.longest_wait,
        tries=configured.tries,
        proxy=config.network.proxy.get_secret_value(),
        ca_file=str(config.network.ca_file or ""),
    )


def _listener(configured: Hook | Webhook | Notify, kind: Kind) -> Listener:
    return Listener(
        kind=kind,
        name=configured.name,
        occasions=frozenset(configured.events),
        folders=frozenset(map(str, configured.folders)),
    )

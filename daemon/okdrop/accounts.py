"""The accounts of a configuration: who we are at OK for each, and by which client it is told.

`service` and `check` are composed of them. Only credentials are read again while a daemon runs
(`pipeline.mending`); that there is another account is known after a restart.
"""

from __future__ import annotations

import urllib.parse
from typing import TYPE_CHECKING

from okdrop.client import Client, ClientSettings, Credentials, Keyring
from okdrop.config.account import senders
from okdrop.errors import ConfigurationError

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from okdrop.config import Config


def client_settings(config: Config, account: str = "") -> ClientSettings:
    """What the client of an account needs to know of the configuration."""
    ok = config.accounts[account]
    return ClientSettings(
        api_url=ok.api_url,
        upload_hosts=ok.upload_hosts,
        proxy=config.network.proxy.get_secret_value() or None,
        ca_file=str(config.network.ca_file) if config.network.ca_file is not None else None,
        stall_timeout=config.upload.stall_timeout,
        answer_timeout=config.upload.answer_timeout,
    )


def credentials(config: Config, account: str = "") -> Credentials:
    """Who we are at OK, by the configuration.

    Raises:
        ConfigurationError: it has no such account (any more).
    """
    ok = config.accounts.get(account)
    if ok is None:
        raise ConfigurationError(f"account.{account}: is not in the configuration any more")
    return Credentials(
        application_key=ok.application_key,
        access_token=ok.access_token.get_secret_value(),
        application_secret_key=ok.application_secret_key.get_secret_value(),
        session_secret_key=ok.session_secret_key.get_secret_value(),
        expires_at=ok.access_token_expires,
        section=f"account.{account}" if account else "ok",
    )


def keyrings(config: Config) -> dict[str, Keyring]:
    """The credentials of each account, as they are now."""
    return {account: Keyring(credentials(config, account)) for account in config.accounts}


def in_use(config: Config) -> frozenset[str]:
    """The accounts that something may be sent for: of [ok] only where a folder does, or it has a token.

    Where there is no other account, that of [ok] is it, whatever is set.
    """
    names = {*config.account}
    if not names or config.ok.access_token.get_secret_value() or "" in senders(config).values():
        names.add("")
    return frozenset(names)


def apis(config: Config) -> dict[str, str]:
    """What the API of an account is called as a place, for those whose API is another than that of [ok]."""
    return {
        account: f"the API at {urllib.parse.urlsplit(ok.api_url).netloc}"
        for account, ok in config.accounts.items()
        if ok.api_url != config.ok.api_url
    }


async def clients(
    config: Config,
    rings: Mapping[str, Keyring],
    stack: contextlib.AsyncExitStack,
    *,
    now: Callable[[], datetime],
) -> dict[str, Client]:
    """Open a client for each account; the stack closes them.

    Raises:
        ConfigurationError: an address, or the authorities' file, cannot be used.
    """
    return {
        account: await stack.enter_async_context(Client(client_settings(config, account), ring, now=now))
        for account, ring in rings.items()
    }

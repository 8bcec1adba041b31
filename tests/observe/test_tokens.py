"""Since when credentials are in use: since the start, or since they were renewed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from okdrop import events
from okdrop.observe.tokens import Tokens

BEGAN = datetime(2030, 1, 2, tzinfo=UTC)
LATER = BEGAN + timedelta(hours=3)


def test_credentials_are_in_use_since_the_start_or_since_they_were_renewed() -> None:
    tokens = Tokens(lambda: LATER, BEGAN)
    tokens.hear(events.CredentialsRefused(account="music", code="", message="", hint=""))
    assert tokens("music") == BEGAN
    tokens.hear(events.CredentialsRenewed(account="music"))
    assert (tokens("music"), tokens("")) == (LATER, BEGAN)

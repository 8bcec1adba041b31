"""Which troubles say that nobody was reached."""

from __future__ import annotations

import pytest

from okdrop.protocol import unreachable


@pytest.mark.parametrize(
    "reason",
    [
        unreachable.NO_NAME,
        f"video.getUploadUrl: {unreachable.NO_HOST}",
        f"video.update: {unreachable.NO_PROXY}",
        unreachable.NO_CONNECTION,
    ],
)
def test_no_connection_came_about(reason: str) -> None:
    assert unreachable.is_unreachable(reason)


@pytest.mark.parametrize(
    "reason",
    [
        "the connection was cut",
        "no answer in time",
        "the TLS certificate cannot be verified",
        "HTTP 503",
        "stalled: no byte was acknowledged",
        "",
    ],
)
def test_somebody_was_reached_or_nobody_knows(reason: str) -> None:
    assert not unreachable.is_unreachable(reason)

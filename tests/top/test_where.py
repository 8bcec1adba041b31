from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from okdrop.config import Web
from okdrop.errors import ConfigurationError
from okdrop.top.where import configured, named

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("listen", "url"),
    [
        ("127.0.0.1:8480", "http://127.0.0.1:8480"),
        ("0.0.0.0:80", "http://127.0.0.1:80"),
        ("[::]:8480", "http://[::1]:8480"),
        ("[::1]:8480", "http://[::1]:8480"),
        ("localhost:8480", "http://localhost:8480"),
    ],
)
def test_a_configured_daemon_is_asked_where_it_can_be_reached(listen: str, url: str) -> None:
    where = configured(Web(listen=listen, token=SecretStr("a-long-token")), None)
    assert (where.url, where.token) == (url, "a-long-token")
    assert "a-long-token" not in repr(where)


def test_a_daemon_that_answers_nobody_or_nobody_knows_where_is_said_to(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r'web\.listen is ""'):
        configured(Web(listen=""), None)
    with pytest.raises(ConfigurationError, match="any free port") as told:
        configured(Web(listen="127.0.0.1:0"), None)
    assert "--url" in told.value.hint
    with pytest.raises(ConfigurationError, match=r"--token-file: .* cannot be read"):
        named("http://h:1", tmp_path / "none")


def test_a_daemon_that_is_named_learns_the_token_of_the_file_alone(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("abc\n")
    assert named("https://h.example/okdrop/", file).token == "abc"
    assert named("https://h.example/okdrop/", None).url == "https://h.example/okdrop"
    assert named("http://h:1", None).token == ""


@pytest.mark.parametrize(
    "url",
    [
        "",
        "h:8480",
        "ftp://h",
        "http://",
        "http://h:99999",
        "http://h:0",
        "http://h/?a",
        "http://[",
        "http://h/\n",
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="no address of a daemon"):
        named(url, None)


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigurationError) as told:
        named("http://me:hidden@h:1", None)
    assert "hidden" not in told.value.message + told.value.hint

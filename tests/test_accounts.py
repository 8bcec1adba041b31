"""The accounts of a configuration, made into what a service is composed of."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from okdrop import accounts
from okdrop.config import Config
from okdrop.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

TWO = {"kids": {"access_token": "k", "api_url": "http://127.0.0.1:7"}, "cats": {"access_token": "c"}}


def config(**tables: Any) -> Config:
    return Config.model_validate(tables)


def watch(*names: str) -> list[Mapping[str, str]]:
    return [{"path": f"/srv/{number}", "account": name} for number, name in enumerate(names)]


@pytest.mark.parametrize(
    ("tables", "used"),
    [
        ({}, {""}),
        ({"watch": watch("")}, {""}),
        ({"account": TWO}, {"kids", "cats"}),
        ({"account": TWO, "watch": watch("kids")}, {"kids", "cats"}),
        ({"account": TWO, "watch": watch("kids", "")}, {"", "kids", "cats"}),
        ({"account": TWO, "ok": {"access_token": "t"}}, {"", "kids", "cats"}),
    ],
)
def test_that_of_ok_counts_where_it_is_of_use(tables: Any, used: set[str]) -> None:
    assert accounts.in_use(config(**tables)) == used


def test_an_api_of_its_own_is_a_place_of_its_own() -> None:
    assert accounts.apis(config(account=TWO)) == {"kids": "the API at 127.0.0.1:7"}


def test_keys_say_where_they_stand_in_the_configuration() -> None:
    rings = accounts.keyrings(config(account=TWO))
    assert {name: ring().section for name, ring in rings.items()} == {
        "": "ok",
        "kids": "account.kids",
        "cats": "account.cats",
    }


def test_an_account_that_went_away_has_no_credentials() -> None:
    with pytest.raises(ConfigurationError, match=r"account\.gone: is not in the configuration any more"):
        accounts.credentials(config(), "gone")


async def test_each_account_has_a_client_of_its_own() -> None:
    chosen = config(account=TWO)
    async with contextlib.AsyncExitStack() as stack:
        rings = accounts.keyrings(chosen)
        found = await accounts.clients(chosen, rings, stack, now=lambda: datetime.now(UTC))
        assert {name: client._settings.api_url for name, client in found.items()} == {
            "": "https://api.ok.ru",
            "kids": "http://127.0.0.1:7",
            "cats": "https://api.ok.ru",
        }
        assert {name: client._credentials().access_token for name, client in found.items()} == {
            "": "",
            "kids": "k",
            "cats": "c",
        }

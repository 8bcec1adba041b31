"""The configuration that is shipped, in the package as in the checkout, and a first folder in it."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okdrop.config import Config, load
from okdrop.config.template import NAME, quoted, shipped, with_folder
from okdrop.errors import ConfigurationError

CHECKOUT = Path(__file__).parents[2] / "config" / NAME


def test_the_package_holds_the_text_of_the_checkout() -> None:
    assert shipped() == CHECKOUT.read_text("utf-8"), "run make diagrams"


@given(st.text(st.characters(codec="utf-8")))
def test_any_text_comes_back_out_of_its_quotes(text: str) -> None:
    assert tomllib.loads(f"x = {quoted(text)}")["x"] == text


@pytest.mark.parametrize(
    "folder",
    [
        "/srv/my videos",
        '/srv/"quoted"',
        "/srv/back\\slash",
        "/srv/new\nline\t\x7f",
        "/srv/\N{CLAPPER BOARD}",
        "/srv/'''",
        "/srv/\\1 \\g<0>",
    ],
)
def test_a_folder_of_any_name_is_the_one_that_is_watched(tmp_path: Path, folder: str) -> None:
    file = tmp_path / NAME
    file.write_text(with_folder(shipped(), os.fsencode(folder)), "utf-8")
    assert load(file, {}).watch[0].path == Path(folder)


def test_nothing_but_the_folder_is_changed() -> None:
    changed = with_folder(shipped(), b"/mnt/x").splitlines()
    differ = [pair for pair in zip(shipped().splitlines(), changed, strict=True) if pair[0] != pair[1]]
    assert differ == [('path = "/srv/drop"', 'path = "/mnt/x"')]


def test_the_shipped_text_is_that_of_the_defaults() -> None:
    loaded = Config.model_validate(tomllib.loads(shipped()))
    assert loaded.model_copy(update={"watch": ()}) == Config()


def test_a_name_that_toml_cannot_hold_is_refused_in_words() -> None:
    with pytest.raises(ConfigurationError, match="cannot be written into a TOML file") as caught:
        with_folder(shipped(), b"/srv/\xff")
    assert caught.value.message.isprintable()

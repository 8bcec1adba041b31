"""Who sets a key that nobody heeds is told."""

from __future__ import annotations

import re
from pathlib import Path

from okdrop.config import load
from okdrop.config.keys import keys
from okdrop.config.unheeded import UNHEEDED, unheeded

SHIPPED = Path(__file__).parents[2] / "config" / "okdrop.toml"


def test_defaults_are_not_worth_a_word() -> None:
    assert unheeded(load(None, {})) == []
    assert unheeded(load(SHIPPED, {})) == []
    assert unheeded(load(None, {"OKDROP_WEB__LISTEN": ""})) == []


def test_each_is_named_once_it_is_set(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hush")
    environ = {
        "OKDROP_OK__APPLICATION_ID": "1",
        "OKDROP_OK__REFRESH_TOKEN_FILE": str(tmp_path / "secret"),
        "OKDROP_UPLOAD__BANDWIDTH": "1MiB/s",
    }
    assert unheeded(load(None, environ)) == [f"{section}.{key}" for section, key in UNHEEDED]


def test_the_shipped_file_says_it_of_them_and_of_no_other() -> None:
    """`ledger.url` is heeded, but for one kind of it."""
    said, section, comment = set(), "", ""
    for line in SHIPPED.read_text().splitlines():
        if heading := re.fullmatch(r"\[\[?([a-z]+)\]\]?", line):
            section = heading[1]
        elif key := re.match(r"(?:# )?([a-z_]+) = ", line):
            said |= {(section, key[1])} if "Not heeded" in comment else set()
            comment = ""
        else:
            comment += line
    assert said == {*UNHEEDED, ("ledger", "url")}


def test_they_are_keys() -> None:
    assert set(UNHEEDED) <= set(keys())

from __future__ import annotations

import re
import tomllib
import traceback
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from okdrop.config import Config, Watch, chosen_file, load
from okdrop.config.keys import keys
from okdrop.config.notices import Hook, Webhook
from okdrop.config.notify import Notify
from okdrop.config.problems import Origins, translate
from okdrop.errors import ConfigurationError

SHIPPED = Path(__file__).parents[2] / "config" / "okdrop.toml"
OPTIONAL_KEY = re.compile(r"^# (?=[a-z_]+ = |\[\[)", re.MULTILINE)
OF_A_FOLDER = {("watch", "suffixes"), ("watch", "ignore")}


def complaint(file: Path, content: bytes | str) -> str:
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigurationError) as caught:
        load(file, {})
    assert all(line.startswith(f"{file}: ") for line in str(caught.value).split("\n"))
    assert caught.value.code == "configuration"
    assert "hush" not in "".join(traceback.format_exception(caught.value))
    return str(caught.value).replace(str(file), "FILE")


# --- which file ---------------------------------------------------------------------------------------


def test_which_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given_file, named, system = (tmp_path / name for name in ("given", "named", "system"))
    monkeypatch.setattr("okdrop.config.loading.DEFAULT_PATH", system)
    assert chosen_file(None, {}) is None
    system.touch()
    assert chosen_file(None, {}) == system
    assert chosen_file(None, {"OKDROP_CONFIG": ""}) == system
    assert chosen_file(None, {"OKDROP_CONFIG": str(named)}) == named
    assert chosen_file(given_file, {"OKDROP_CONFIG": str(named)}) == given_file


def test_a_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    missing = tmp_path / "none.toml"
    for path, environ in ((missing, {}), (None, {"OKDROP_CONFIG": str(missing)})):
        with pytest.raises(ConfigurationError) as caught:
            load(path, environ)
        assert str(caught.value) == f"{missing}: there is no such file; `okdrop init` writes one"


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read: Is a directory"):
        load(tmp_path, {})


# --- what is wrong with it ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"[ok]\n# \xcf\xf0\xe8\n", "FILE: line 2: not UTF-8; save the file in that encoding"),
        ("[ok\n", "FILE: not TOML: Expected ']' at the end of a table declaration (at line 1, column 4)"),
        ('[ok]\naccess_token = "hush\n', "FILE: not TOML: Illegal character '\\n' (at line 2, column 21)"),
        ("[ok]\n[ok]\n", "FILE: not TOML: Cannot declare ('ok',) twice (at line 2, column 4)"),
        ("[uploads]\n", "FILE: uploads: there is no such section; did you mean upload?"),
        ("workers = 2\n", "FILE: workers: there is no such key; did you mean upload.workers?"),
        (
            "[zzz]\n",
            (
                "FILE: zzz: there is no such section;"
                " sections are ok, account, network, intake, watch, hook, webhook, notify, metadata, upload,"
                " retry, ledger, disk, web, log"
            ),
        ),
        ("[[wach]]\npath = '/srv'\n", "FILE: wach: there is no such section; did you mean watch?"),
        (
            "[watch]\npath = '/srv'\n",
            "FILE: watch: write [[watch]], with two brackets: each folder",
        ),
        ("watch = '/srv'\n", "FILE: watch: write [[watch]], with two brackets: each folder"),
        ("[upload]\nworker = 2\n", "FILE: upload.worker: there is no such key; did you mean upload.workers?"),
        ("[retry]\nsettle = 2\n", "FILE: retry.settle: there is no such key; did you mean watch.settle?"),
        ("[upload]\nzzz = 2\n", "FILE: upload.zzz: there is no such key"),
        (
            '[ok]\nacces_token = "hush"\n',
            "FILE: ok.acces_token: there is no such key; did you mean ok.access_token?",
        ),
        ("[ok]\naccess_token = true\n", 'FILE: ok.access_token: must be text, in "quotes"'),
        ('[ok]\naccess_token = ["hush"]\n', 'FILE: ok.access_token: must be text, in "quotes"'),
        ('ok = "hush"\n', "FILE: ok: must be a table"),
        (
            '[web]\ntoken = "hush "\n',
            "FILE: web.token: must hold no blanks, line breaks or control characters",
        ),
        (
            '[network]\nproxy = "hush@p"\n',
            'FILE: network.proxy: must be a URL like "https://host"',
        ),
        (
            '[ok]\napi_url = "https://u:hush@api.ok.ru"\n',
            'FILE: ok.api_url = "https://…@api.ok.ru": must be a URL without user, query or fragment',
        ),
        (
            '[web]\nlisten = "a\\nb\\u001b"\n',
            (
                'FILE: web.listen = "a\\nb\\u001b": must be "host:port" like "127.0.0.1:8480",'
                ' or "" to switch it off'
            ),
        ),
        (
            "[upload]\nworkers = 1979-05-27\n",
            'FILE: upload.workers = "1979-05-27": must be a whole number from 1 to 64',
        ),
        (
            '"a\\nb" = 1\n',
            "FILE: a\\nb: there is no such key; sections are ok, account, network, intake, watch, hook,",
        ),
        (
            "[upload]\nworkers = 0\nconnections = 0\n[retry]\nfirst_delay = 0\n",
            (
                "FILE: upload.workers = 0: must be a whole number from 1 to 64\n"
                'FILE: upload.connections = 0: must be a whole number from 1 to 16, or "auto"\n'
                "FILE: retry.first_delay = 0: must be longer than 0"
            ),
        ),
    ],
)
def test_one_line_says_what_is_wrong(tmp_path: Path, content: bytes | str, expected: str) -> None:
    assert complaint(tmp_path / "okdrop.toml", content).startswith(expected)


def test_a_long_value_is_shown_in_part(tmp_path: Path) -> None:
    assert len(complaint(tmp_path / "okdrop.toml", f'[log]\nlevel = "{"x" * 10_000}"\n')) < 250


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    assert "nested too deeply" in complaint(tmp_path / "okdrop.toml", "a = " + "[" * 5000 + "]" * 5000)


def test_a_byte_order_mark_is_no_error(tmp_path: Path) -> None:
    file = tmp_path / "okdrop.toml"
    file.write_bytes(b"\xef\xbb\xbf[upload]\nworkers = 3\n")
    assert load(file, {}).upload.workers == 3


@given(
    section=st.sampled_from(sorted({path[0] for path in keys()})),
    name=st.sampled_from(sorted({path[1] for path in keys()})) | st.text(max_size=5),
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
        max_leaves=4,
    ),
)
def test_any_value_is_taken_or_refused_in_one_line(section: str, name: str, value: object) -> None:
    tree = {section: [{"path": "/a", name: value}] if section == "watch" else {name: value}}
    try:
        Config.model_validate(tree, context={"home": "/home/ok"})
    except ValidationError as error:
        message = str(translate(error, tree, Origins("FILE")))
        assert message.startswith("FILE: ")
        assert message.isprintable()
        assert "does not do" not in message


# --- the file that is shipped -------------------------------------------------------------------------


def with_all_keys() -> str:
    """The shipped file, with every key and table that is optional."""
    return OPTIONAL_KEY.sub("", SHIPPED.read_text().replace("# [account.", "[account."))


def test_the_shipped_file_says_the_defaults(tmp_path: Path) -> None:
    expected = Config(watch=(Watch(path=Path("/srv/drop")),))
    assert load(SHIPPED, {}) == expected
    whole = tmp_path / "whole.toml"
    whole.write_text(
        re.sub(r'^secret = ""', 'secret = "0123456789abcdef"', with_all_keys(), flags=re.MULTILINE)
    )
    config = load(whole, {})
    assert config.ok == expected.ok
    assert config.network == expected.network
    assert config.web == expected.web
    assert config.accounts["kids"] == expected.ok
    assert config.watch[0].suffixes == ("mp4",)
    assert config.hook[0].timeout == Hook.model_fields["timeout"].default
    assert config.webhook[0].give_up_after == Webhook.model_fields["give_up_after"].default
    unset = Notify(name="phone", url=config.notify[0].url)
    assert config.notify[0] == unset


def test_the_shipped_file_holds_every_key() -> None:
    tree = tomllib.loads(with_all_keys())
    tables = {name: table[0] if isinstance(table, list) else table for name, table in tree.items()}
    tables["account"] = tables["account"]["kids"]
    assert {(section, name) for section, table in tables.items() for name in table} == set(keys())


def test_only_what_is_secret_or_optional_is_not_set() -> None:
    tree = tomllib.loads(SHIPPED.read_text())
    tables = {name: table[0] if isinstance(table, list) else table for name, table in tree.items()}
    wanted = {key for key in keys() if key[0] != "account"}  # of which there need be none
    absent = wanted - {(section, name) for section, table in tables.items() for name in table}
    assert ("ledger", "url") not in absent
    for section, name in absent:
        key = keys()[section, name]
        of_a_table = section in {"hook", "webhook", "notify"} or (section, name) in OF_A_FOLDER
        assert key.secret or name.endswith("_file") or of_a_table


def test_every_key_of_the_shipped_file_has_a_comment() -> None:
    before = ""
    for line in SHIPPED.read_text().splitlines():
        if re.match(r"(# )?[a-z_]+ = ", line):
            assert before.startswith("# "), line
            assert not OPTIONAL_KEY.match(before), line
            assert before.endswith("."), line
        before = line

"""Further accounts: what each has of its own, what it has from `[ok]`, and what is wrong with one."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

import pytest

from okdrop.accounts import credentials
from okdrop.config import load, unheeded
from okdrop.config.account import is_name, unknown
from okdrop.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = "kids-very-secret-token"
OK = '[ok]\napplication_key = "KEY"\napplication_secret_key = "SECRET"\naccess_token = "first"\n'
WATCH = '[[watch]]\npath = "/srv/kids"\naccount = "kids"\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "okdrop.toml"


def complaint(file: Path, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(file, environ or {})
    assert TOKEN not in "".join(traceback.format_exception(caught.value))
    return caught.value.message


def test_an_account_is_complete_with_its_token_alone(file: Path) -> None:
    file.write_text(f'{OK}session_secret_key = "of-the-session"\n[account.kids]\naccess_token = "{TOKEN}"\n')
    config = load(file, {})
    assert [*config.accounts] == ["", "kids"]
    assert config.accounts[""] == config.ok
    kids = credentials(config, "kids")
    assert (kids.application_key, kids.application_secret_key, kids.access_token) == ("KEY", "SECRET", TOKEN)
    assert kids.session_secret_key == ""  # that of [ok] is of another session
    assert config.accounts["kids"].api_url == "https://api.ok.ru"
    assert config.accounts["kids"].upload_hosts == config.ok.upload_hosts


def test_a_token_never_stands_in_for_another(file: Path) -> None:
    file.write_text(f'{OK}refresh_token = "r"\nsession_secret_key = "s"\n[account.kids]\n')
    kids = load(file, {}).accounts["kids"]
    secrets = (kids.access_token, kids.session_secret_key, kids.refresh_token)
    assert [secret.get_secret_value() for secret in secrets] == ["", "", ""]


def test_the_secret_of_one_application_signs_for_no_other(file: Path) -> None:
    file.write_text(f'{OK}[account.kids]\naccess_token = "{TOKEN}"\napplication_key = "OTHER"\n')
    kids = credentials(load(file, {}), "kids")
    assert (kids.application_key, kids.application_secret_key) == ("OTHER", "")


def test_what_an_account_says_for_itself_counts(file: Path) -> None:
    file.write_text(
        f'{OK}[account.kids]\naccess_token = "{TOKEN}"\napplication_secret_key = "OWN"\n'
        'api_url = "http://127.0.0.1:1"\nupload_hosts = ["127.0.0.1"]\n'
    )
    kids = load(file, {}).accounts["kids"]
    assert (kids.api_url, kids.upload_hosts) == ("http://127.0.0.1:1", ("127.0.0.1",))
    assert (kids.application_key, kids.application_secret_key.get_secret_value()) == ("KEY", "OWN")


def test_the_order_of_an_accounts_sources(tmp_path: Path, file: Path) -> None:
    folder, environ = tmp_path / "credentials", {}
    folder.mkdir()
    environ["CREDENTIALS_DIRECTORY"] = str(folder)

    def token() -> str:
        return credentials(load(file, environ), "home_movies").access_token

    (folder / "access_token").write_text("of [ok]".replace(" ", "-"))
    file.write_text('[account.home_movies]\naccess_token = "key"\n')
    assert token() == "key"
    (folder / "access_token.home_movies").write_text("folder\n")
    assert token() == "folder"
    (tmp_path / "own").write_text("own-file\n")
    file.write_text(f'[account.home_movies]\naccess_token_file = "{tmp_path}/own"\n')
    assert token() == "own-file"
    environ["OKDROP_ACCOUNT__HOME_MOVIES__ACCESS_TOKEN"] = ""  # as a compose file passes on what is not set
    assert token() == "own-file"
    environ["OKDROP_ACCOUNT__HOME_MOVIES__ACCESS_TOKEN"] = "environment"
    assert token() == "environment"


def test_an_account_may_come_from_the_environment_alone() -> None:
    environ = {
        "OKDROP_ACCOUNT__KIDS__ACCESS_TOKEN": TOKEN,
        "OKDROP_ACCOUNT__KIDS__UPLOAD_HOSTS": "127.0.0.1,*.okcdn.ru",
        "OKDROP_WATCH": '[{"path": "/srv/kids", "account": "kids"}]',
    }
    config = load(None, environ | {"OKDROP_CONFIG": "/dev/null"})
    assert config.accounts["kids"].upload_hosts == ("127.0.0.1", "*.okcdn.ru")
    assert config.watch[0].account == "kids"
    assert TOKEN not in repr(config)


def test_whoever_needs_no_secret_reads_none(tmp_path: Path, file: Path) -> None:
    file.write_text(
        f'{OK}[account.kids]\naccess_token = "{TOKEN}"\nsession_secret_key_file = "{tmp_path}/no"\n'
    )
    config = load(file, {}, secrets=False)
    assert credentials(config, "kids").access_token == ""


@pytest.mark.parametrize("name", ["kids", "a", "home_movies", "x2", "a_1"])
def test_names(name: str) -> None:
    assert is_name(name)


@pytest.mark.parametrize(
    "name", ["", "ok", "Kids", "two words", "a__b", "_a", "a_", "1a", "ж", "a-b", "a.b", "x" * 33]
)
def test_no_names(name: str, file: Path) -> None:
    assert not is_name(name)
    if name:
        quoted = name.encode("unicode_escape").decode()
        file.write_text(f'[account."{quoted}"]\naccess_token = "{TOKEN}"\n', "utf-8")
        words = complaint(file)
        assert words.startswith(f"{file}: account.")
        assert "\n" not in words


def test_a_folder_names_an_account_that_is_there(file: Path) -> None:
    file.write_text(OK + WATCH)
    assert complaint(file) == (
        f'{file}: watch[0].account = "kids": there is no such account; add a table [account.kids]'
    )
    file.write_text(f'{OK}[account.cats]\naccess_token = "c"\n{WATCH}')
    assert complaint(file).endswith(
        'add a table [account.kids], or name one of "cats", or "" for that of [ok]'
    )
    file.write_text(f'{OK}[[watch]]\npath = "/srv/x"\naccount = "No Name"\n')
    assert "must be the name of an [account.NAME], or empty" in complaint(file)
    assert "small letters" in unknown("No Name", [])


def test_one_account_under_two_names_is_refused(file: Path) -> None:
    file.write_text(f'[ok]\naccess_token = "{TOKEN}"\n[account.kids]\naccess_token = "{TOKEN}"\n')
    words = complaint(file)
    assert words.startswith(f"{file}: account.kids.access_token: is that of [ok] already")
    file.write_text(f'{OK}[account.a]\naccess_token = "{TOKEN}"\n[account.b]\naccess_token = "{TOKEN}"\n')
    assert "account.b.access_token: is that of [account.a] already" in complaint(file)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            f'[account.kids]\nacess_token = "{TOKEN}"\n',
            "account.kids.acess_token: there is no such key; did you",
        ),
        (f'[account]\naccess_token = "{TOKEN}"\n', "account.access_token: must be a table"),
        (
            f'[account.kids]\naccess_token = "{TOKEN} {TOKEN}"\n',
            "account.kids.access_token: must hold no blanks",
        ),
        ('[account.kids]\naccess_token_file = "/nowhere"\n', "account.kids.access_token: the secret's file"),
        (
            '[account.kids]\napi_url = "http://ok.example"\n',
            'account.kids.api_url = "http://ok.example": must',
        ),
        ('account = "kids"\n', "account"),
        ("[[account]]\n", "account"),
    ],
)
def test_what_is_wrong_is_one_line(file: Path, text: str, words: str) -> None:
    file.write_text(text)
    said = complaint(file)
    assert words in said
    assert "\n" not in said


@pytest.mark.parametrize(
    "variable",
    ["OKDROP_ACCOUNT__KIDS", "OKDROP_ACCOUNT_KIDS_ACCESS_TOKEN", "OKDROP_ACCOUNT__OK__ACCESS_TOKEN"],
)
def test_a_variable_that_names_no_key_of_an_account(file: Path, variable: str) -> None:
    file.write_text(OK)
    words = complaint(file, {variable: TOKEN})
    assert words.startswith(f"environment variable {variable}: there is no such key; a key of an account is")


def test_keys_of_accounts_that_nobody_heeds_are_named(file: Path) -> None:
    file.write_text(f'{OK}[account.kids]\naccess_token = "{TOKEN}"\nrefresh_token = "r"\n')
    assert unheeded(load(file, {})) == ["account.kids.refresh_token"]

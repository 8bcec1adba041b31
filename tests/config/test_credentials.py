from __future__ import annotations

import os
import traceback
from typing import TYPE_CHECKING

import pytest

from okdrop.config import SECRETS, load
from okdrop.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "okdrop.toml"


@pytest.mark.parametrize("name", SECRETS)
def test_the_order_of_sources(tmp_path: Path, file: Path, name: str) -> None:
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    environ: dict[str, str] = {}

    def found() -> str:
        secret = getattr(load(file, environ).ok, name)
        return str(secret.get_secret_value())

    file.write_text("")
    assert found() == ""
    file.write_text(f'[ok]\n{name} = "key"\n')
    assert found() == "key"
    environ["CREDENTIALS_DIRECTORY"] = str(credentials)
    assert found() == "key"
    (credentials / name).write_text("folder\n")
    assert found() == "folder"
    (tmp_path / "secret").write_bytes(b"own file\r\n".replace(b" ", b"-"))
    file.write_text(f'[ok]\n{name} = "key"\n{name}_file = "{tmp_path}/secret"\n')
    assert found() == "own-file"
    (tmp_path / "other").write_text("file of the environment".replace(" ", "-"))
    environ[f"OKDROP_OK__{name.upper()}_FILE"] = str(tmp_path / "other")
    assert found() == "file-of-the-environment"
    environ[f"OKDROP_OK__{name.upper()}"] = "environment"
    assert found() == "environment"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read: No such file"),
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"\xd0\xb6hush", "other than ASCII"),
        (b"hush\nhush\n", "must hold no blanks, line breaks"),
        (b"h" * 70_000, "too large"),
    ],
)
def test_a_file_that_holds_no_secret(tmp_path: Path, file: Path, content: bytes | None, words: str) -> None:
    secret = tmp_path / "secret"
    if content is not None:
        secret.write_bytes(content)
    file.write_text(f'[ok]\nrefresh_token_file = "{secret}"\n')
    with pytest.raises(ConfigurationError) as caught:
        load(file, {})
    message = str(caught.value)
    assert words in message
    assert "ok.refresh_token" in message
    assert str(secret) in message
    assert "hush" not in "".join(traceback.format_exception(caught.value))


def test_a_folder_in_place_of_the_file(tmp_path: Path, file: Path) -> None:
    file.write_text("")
    with pytest.raises(ConfigurationError, match=r"VARIABLE|Is a directory"):
        load(file, {"OKDROP_OK__ACCESS_TOKEN_FILE": str(tmp_path)})


def test_a_pipe_in_place_of_the_file_keeps_nobody_waiting(tmp_path: Path, file: Path) -> None:
    file.write_text("")
    os.mkfifo(tmp_path / "secret")
    with pytest.raises(ConfigurationError, match="secret is no regular file"):
        load(file, {"OKDROP_OK__ACCESS_TOKEN_FILE": str(tmp_path / "secret")})


def test_a_credential_that_is_empty_is_an_error(tmp_path: Path, file: Path) -> None:
    file.write_text('[ok]\naccess_token = "key"\n')
    (tmp_path / "access_token").write_text("\n")
    with pytest.raises(ConfigurationError, match="access_token is empty"):
        load(file, {"CREDENTIALS_DIRECTORY": str(tmp_path)})


def test_the_file_must_be_named_absolutely(file: Path) -> None:
    file.write_text('[ok]\naccess_token_file = "token"\n')
    with pytest.raises(
        ConfigurationError, match=r"okdrop.toml: ok.access_token: .*access_token_file must be an abs"
    ):
        load(file, {})


def test_a_credentials_folder_that_is_no_path(file: Path) -> None:
    file.write_text("")
    with pytest.raises(ConfigurationError, match="CREDENTIALS_DIRECTORY"):
        load(file, {"CREDENTIALS_DIRECTORY": "relative"})


def test_a_credentials_folder_that_may_not_be_looked_into_is_told_in_one_line(file: Path) -> None:
    # root may look into every folder; a name that no file system takes is refused to root as well
    file.write_text("")
    with pytest.raises(ConfigurationError, match=r"access_token.* cannot be read: File name too long"):
        load(file, {"CREDENTIALS_DIRECTORY": "/" + "n" * 300})


def test_without_secrets_none_is_read_and_all_else_is_checked(tmp_path: Path, file: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "refresh_token").write_text("")
    environ = {
        "CREDENTIALS_DIRECTORY": str(tmp_path / "folder"),
        "OKDROP_OK__ACCESS_TOKEN": "no possible secret",
        "OKDROP_OK__SESSION_SECRET_KEY_FILE": "/no/such/file",
    }
    file.write_text('[ok]\napplication_secret_key = "in the file"\napplication_key = "ME"\n')
    ok = load(file, environ, secrets=False).ok
    assert [getattr(ok, name).get_secret_value() for name in SECRETS] == ["", "", "", ""]
    assert ok.application_key == "ME"
    with pytest.raises(ConfigurationError, match="workers"):
        load(file, environ | {"OKDROP_UPLOAD__WORKERS": "many"}, secrets=False)
    with pytest.raises(ConfigurationError, match="absolute"):
        load(file, environ | {"OKDROP_OK__SESSION_SECRET_KEY_FILE": "not/absolute"}, secrets=False)


def test_whoever_needs_one_section_need_not_be_allowed_to_read_the_others(file: Path) -> None:
    file.write_text('[ok]\naccess_token = "in the file"\naccess_token_file = "/no/such/file"\n')
    environ = {
        "OKDROP_WEB__TOKEN": "a-long-token-of-somebody",
        "OKDROP_OK__REFRESH_TOKEN": "no possible secret",
    }
    config = load(file, environ, secrets_of=("web",))
    assert config.web.token.get_secret_value() == "a-long-token-of-somebody"
    assert [getattr(config.ok, name).get_secret_value() for name in SECRETS] == ["", "", "", ""]
    with pytest.raises(ConfigurationError, match="access_token"):
        load(file, environ)

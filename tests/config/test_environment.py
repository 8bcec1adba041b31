from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from okdrop.config import Config, load
from okdrop.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

NOWHERE = Path("/nonexistent/okdrop.toml")


@pytest.fixture(autouse=True)
def _no_system_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("okdrop.config.loading.DEFAULT_PATH", NOWHERE)


def complaint(environ: Mapping[str, str]) -> str:
    """What is said; a line for each problem."""
    with pytest.raises(ConfigurationError) as caught:
        load(None, environ)
    return str(caught.value)


def test_without_anything_all_is_default() -> None:
    assert load(None, {"PATH": "/bin", "HOME": "/root"}) == Config()


def test_every_kind_of_key() -> None:
    config = load(
        None,
        {
            "OKDROP_OK__APPLICATION_KEY": "CBA",
            "OKDROP_OK__ACCESS_TOKEN": "123456",
            "OKDROP_OK__UPLOAD_HOSTS": "vu.okcdn.ru, *.mycdn.me,",
            "OKDROP_INTAKE__SUFFIXES": '["mp4", "mkv"]',
            "OKDROP_UPLOAD__WORKERS": "3",
            "OKDROP_UPLOAD__CONNECTIONS": "4",
            "OKDROP_UPLOAD__SEGMENT_SIZE": "8MiB",
            "OKDROP_UPLOAD__STALL_TIMEOUT": "250ms",
            "OKDROP_WEB__LISTEN": "",
            "OKDROP_NETWORK__CA_FILE": "~/ca.pem",
            "OKDROP_WATCH": json.dumps([{"path": "~/drop", "tags": ["a"]}, {"path": "/b"}]),
            "HOME": "/home/ok",
        },
    )
    assert config.ok.application_key == "CBA"
    assert config.ok.access_token.get_secret_value() == "123456"
    assert config.ok.upload_hosts == ("vu.okcdn.ru", "*.mycdn.me")
    assert config.intake.suffixes == ("mp4", "mkv")
    assert (config.upload.workers, config.upload.connections, config.upload.segment_size) == (3, 4, 8 << 20)
    assert config.upload.stall_timeout == 0.25
    assert config.web.address is None
    assert config.network.ca_file == Path("/home/ok/ca.pem")
    assert [watch.path for watch in config.watch] == [Path("/home/ok/drop"), Path("/b")]
    assert config.watch[1].suffixes == ("mp4", "mkv")


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "okdrop.toml"
    file.write_text('[upload]\nworkers = 5\nconnections = 6\n[[watch]]\npath = "/a"\n')
    config = load(file, {"OKDROP_UPLOAD__WORKERS": "7", "OKDROP_WATCH": '[{"path": "/b"}]'})
    assert (config.upload.workers, config.upload.connections) == (7, 6)
    assert [str(watch.path) for watch in config.watch] == ["/b"]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        (
            "OKDROP_UPLOAD__WORKER",
            "3",
            "there is no such key; did you mean OKDROP_UPLOAD__WORKERS?",
        ),
        (
            "OKDROP_UPLOAD_WORKERS",
            "3",
            "there is no such key; did you mean OKDROP_UPLOAD__WORKERS?",
        ),
        (
            "OKDROP_OK__ACCES_TOKEN",
            "hush",
            "there is no such key; did you mean OKDROP_OK__ACCESS_TOKEN?",
        ),
        (
            "OKDROP_WATCH__PATH",
            "/a",
            "there is no such key; the folders are one JSON array in OKDROP_WATCH",
        ),
        ("OKDROP_ЪЫЬЭЮЯЪЫЬЭЮЯ", "x", "there is no such key"),
        (
            "OKDROP_UPLOAD__WORKERS",
            "many",
            ('upload.workers = "many": must be a whole number from 1 to 64'),
        ),
        (
            "OKDROP_WATCH",
            "/srv/drop",
            "must be a JSON array (at character 1: Expecting value)",
        ),
        ("OKDROP_WATCH", '{"path": "/a"}', "must be a JSON array"),
        (
            "OKDROP_WATCH",
            '[{"path": "/a", "setle": 5}]',
            "watch[0].setle: there is no such key; did you mean watch[0].settle?",
        ),
        (
            "OKDROP_WATCH",
            '[{"path": "/a"}, {"path": "/b", "settle": "soon"}]',
            ('watch[1].settle = "soon": must be seconds, or a duration like "250ms", "10s", "5m" or "1h30m"'),
        ),
        (
            "OKDROP_INTAKE__SUFFIXES",
            "[mp4",
            "must be a JSON array (at character 2: Expecting value)",
        ),
        (
            "OKDROP_OK__ACCESS_TOKEN",
            "hush hush",
            "ok.access_token: must hold no blanks, line breaks or control characters",
        ),
        (
            "OKDROP_WEB__LISTEN",
            ":8480",
            ('web.listen = ":8480": must be "host:port" like "127.0.0.1:8480", or "" to switch it off'),
        ),
    ],
)
def test_errors_name_the_variable(name: str, value: str, expected: str) -> None:
    assert complaint({name: value}) == f"environment variable {name}: {expected}"


def test_several_problems_are_told_in_a_line_each() -> None:
    lines = complaint({"OKDROP_A": "", "OKDROP_B": "", "OKDROP_C": ""}).split("\n")
    assert [line.partition(": ")[0] for line in lines] == [
        f"environment variable OKDROP_{letter}" for letter in "ABC"
    ]


def test_of_very_many_problems_the_first_are_told() -> None:
    lines = complaint({f"OKDROP_{number}": "" for number in range(100, 200)}).split("\n")
    assert (len(lines), lines[-1]) == (21, "and 80 more")


def test_an_empty_variable_for_a_secret_says_nothing(tmp_path: Path) -> None:
    file = tmp_path / "okdrop.toml"
    file.write_text('[ok]\naccess_token = "from-file"\n')
    config = load(file, {"OKDROP_OK__ACCESS_TOKEN": ""})
    assert config.ok.access_token.get_secret_value() == "from-file"


def test_what_others_put_there_is_passed_over() -> None:
    foreign = {
        "OKDROP_SERVICE_HOST": "10.0.0.1",
        "OKDROP_SERVICE_PORT": "80",
        "OKDROP_SERVICE_PORT_HTTP": "80",
        "OKDROP_PORT": "tcp://10.0.0.1:80",
        "OKDROP_PORT_80_TCP_ADDR": "10.0.0.1",
        "OKDROPS": "x",
        "okdrop_upload__workers": "3",
    }
    assert load(None, foreign) == Config()


# --- the environment file ---------------------------------------------------------------------------------


def test_the_environment_file_wins_over_the_process(tmp_path: Path) -> None:
    file = tmp_path / "environment"
    file.write_text('OKDROP_OK__ACCESS_TOKEN="newer"\nOKDROP_UPLOAD__WORKERS=3\nPATH=/nowhere\nHOME=/other\n')
    environ = {
        "OKDROP_ENVIRONMENT_FILE": str(file),
        "OKDROP_OK__ACCESS_TOKEN": "older",
        "OKDROP_OK__APPLICATION_KEY": "CBA",
        "OKDROP_WATCH": '[{"path": "~/drop"}]',
        "HOME": "/home/ok",
    }
    config = load(None, environ)
    assert config.ok.access_token.get_secret_value() == "newer"
    assert (config.ok.application_key, config.upload.workers) == ("CBA", 3)
    assert config.watch[0].path == Path("/home/ok/drop")  # only what is okdrop's own is taken


def test_the_environment_file_may_name_the_configuration(tmp_path: Path) -> None:
    named, file = tmp_path / "named.toml", tmp_path / "environment"
    named.write_text("[upload]\nworkers = 9\n")
    file.write_text(f"OKDROP_CONFIG={named}\nOKDROP_ENVIRONMENT_FILE=/elsewhere\n")
    assert load(None, {"OKDROP_ENVIRONMENT_FILE": str(file)}).upload.workers == 9


def test_an_empty_secret_in_the_environment_file_hides_none(tmp_path: Path) -> None:
    file = tmp_path / "environment"
    file.write_text("OKDROP_OK__ACCESS_TOKEN=\n")
    environ = {"OKDROP_ENVIRONMENT_FILE": str(file), "OKDROP_OK__ACCESS_TOKEN": "older"}
    assert load(None, environ).ok.access_token.get_secret_value() == "older"


def test_errors_name_the_environment_file(tmp_path: Path) -> None:
    file = tmp_path / "environment"
    file.write_text("OKDROP_UPLOAD__WORKERS=many\n")
    text = complaint({"OKDROP_ENVIRONMENT_FILE": str(file)})
    assert text.startswith(f"{file}: environment variable OKDROP_UPLOAD__WORKERS: ")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            None,
            (
                "the file cannot be read: No such file or directory;"
                ' see that it is there, or put a "-" before its name'
            ),
        ),
        (b"OKDROP_OK__ACCESS_TOKEN='hush", "a quote is never closed"),
        (b"OKDROP_OK__ACCESS_TOKEN=\xff", "the file is not UTF-8"),
    ],
)
def test_an_environment_file_that_cannot_be_used(
    tmp_path: Path, content: bytes | None, expected: str
) -> None:
    file = tmp_path / "environment"
    if content is not None:
        file.write_bytes(content)
    text = complaint({"OKDROP_ENVIRONMENT_FILE": str(file)})
    assert text == f"environment variable OKDROP_ENVIRONMENT_FILE: {file}: {expected}"


def test_an_environment_file_may_be_missing_where_that_is_said(tmp_path: Path) -> None:
    assert load(None, {"OKDROP_ENVIRONMENT_FILE": f"-{tmp_path / 'missing'}"}) == Config()
    assert "absolute" in complaint({"OKDROP_ENVIRONMENT_FILE": "environment"})

"""The Dockerfile and the compose example say what the code does; `make image-test` builds and runs it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from okdrop.config import Config, load
from okdrop.config.model import SECRETS

ROOT = Path(__file__).parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
FINAL = DOCKERFILE.rpartition("\nFROM ")[2]
COMPOSE = (ROOT / "config" / "compose.yaml").read_text()


def instruction(name: str) -> str:
    """The one instruction of that name in the final stage."""
    [found] = re.findall(rf"(?m)^{name} (.*)$", FINAL)
    return str(found)


def variables(text: str) -> dict[str, str]:
    return dict(re.findall(r"(\w+)=(\S+)", text))


def no_file(folder: Path) -> Path:
    """A configuration that says nothing, so that this machine's own is left alone."""
    file = folder / "okdrop.toml"
    file.touch()
    return file


def test_it_starts_the_daemon_itself_so_that_signals_reach_it() -> None:
    assert json.loads(instruction("ENTRYPOINT")) == ["okdrop"]
    assert json.loads(instruction("CMD")) == ["run"]
    assert instruction("STOPSIGNAL") == "SIGTERM"


def test_the_volume_holds_the_ledger() -> None:
    [folder] = json.loads(instruction("VOLUME"))
    assert Config().ledger.url.get_secret_value() == f"sqlite:///{folder}/ledger.db"


def test_its_user_is_a_number_and_not_root() -> None:
    user, group = instruction("USER").split(":")
    assert int(user) == int(group) > 0
    assert f"--uid {user} " in FINAL
    assert f"--gid {group} " in FINAL


def test_its_environment_is_a_configuration(tmp_path: Path) -> None:
    environment = variables(instruction("ENV"))
    (tmp_path / "access_token").write_text("invented")
    config = load(no_file(tmp_path), environment | {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert config.log.format.value == "json"
    assert config.ok.access_token.get_secret_value() == "invented"
    # Where compose, Podman and Swarm put secrets.
    assert environment["CREDENTIALS_DIRECTORY"] == "/run/secrets"


def test_nothing_is_installed_without_a_hash() -> None:
    installs = re.findall(r"pip (?:--python \S+ )?(?:install|wheel) [^&\n]*", DOCKERFILE)
    assert len(installs) == 4
    for command in installs:
        assert "--require-hashes" in command or "--no-deps" in command, command


def test_it_is_built_from_what_the_context_lets_through() -> None:
    allowed = re.findall(r"(?m)^!(.*)$", (ROOT / ".dockerignore").read_text())
    copied = [name for line in re.findall(r"(?m)^COPY (?!--)(.*) \S+$", DOCKERFILE) for name in line.split()]
    assert "daemon" in copied
    assert {name.split("/")[0] for name in copied} == {*allowed}


def test_the_compose_example_gives_it_time_to_drain() -> None:
    [grace] = re.findall(r"stop_grace_period: (\d+)s", COMPOSE)
    assert float(grace) > Config().upload.drain_timeout + 5


def test_the_variables_of_the_compose_example_are_a_configuration(tmp_path: Path) -> None:
    given = dict(re.findall(r"(?m)^ +(OKDROP_\w+): (.*)$", COMPOSE))
    assert all(value.startswith(f"${{{name}:?") for name, value in given.items() if "$" in value)
    filled_in = {name: re.sub(r"\$\{.*\}", "key", value).strip("'") for name, value in given.items()}
    config = load(no_file(tmp_path), filled_in)
    assert [str(watch.path) for watch in config.watch] == ["/drop"]
    assert config.ok.application_key


@pytest.mark.parametrize("place", [r"secrets: \[(.*)\]", r"(?m)^  (\w+):\n    file:"])
def test_the_secrets_of_the_compose_example_are_okdrops(place: str) -> None:
    named = {name for found in re.findall(place, COMPOSE) for name in found.split(", ")}
    assert named == {"access_token", "application_secret_key"}
    assert named <= {*SECRETS}

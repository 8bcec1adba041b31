"""The unit says what the code does, systemd understands all of it, and it stays locked up."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from okdrop import service
from okdrop.config import Config
from okdrop.config.loading import DEFAULT_PATH
from okdrop.config.model import SECRET_FILES

SYSTEMD = Path(__file__).parent.parent / "systemd"
UNIT = SYSTEMD / "okdrop.service"
EXAMPLES = sorted((SYSTEMD / "okdrop.service.d").glob("*.conf.example"))

MOST_EXPOSED = 20
"""Tenths, on systemd's scale from 0 to 10; what `LEFT_OPEN` allows makes 1.8 by systemd 252."""

LEFT_OPEN = {
    "PrivateNetwork=": "0.5, a client of the network needs one",
    "RestrictAddressFamilies=~AF_(INET|INET6)": "0.3, to OK",
    "RestrictAddressFamilies=~AF_UNIX": "0.1, to the service manager and to name services",
    "RestrictAddressFamilies=~AF_NETLINK": "0.1, for getaddrinfo",
    "IPAddressDeny=": "0.2, the addresses of OK's upload hosts are not known beforehand",
    "PrivateUsers=": "0.2, CAP_LEASE counts in the first user namespace only",
    "PrivateMounts=": "0.2, implied by ProtectSystem= and the like; newer systemd no longer counts it",
    "AmbientCapabilities=": "0.1, that is CAP_LEASE",
    "CapabilityBoundingSet=~CAP_LEASE": "0.1, to see writers of other users",
    "ProtectHome=": "0.1, a watched folder may lie in a home",
    "RootDirectory=/RootImage=": "0.1, folders of the host are watched",
    "ProcSubset=": "0.1, /proc/sys tells how many folders may be watched",
    "DeviceAllow=": "0.1, the clock to read, by ProtectClock=",
    "UMask=": "0.1, the group may read what is filed away",
    "SystemCallFilter=~@resources": "0.2, of these ioprio_set alone, for upload.gentle_reads",
    "SupplementaryGroups=": "0.1, in the example: the group of those who drop files",
}
"""What systemd holds against the unit and why it stays."""


def settings(file: Path) -> dict[str, list[str]]:
    """Key → its values, in order; sections do not matter, as no key is in two of them."""
    found: dict[str, list[str]] = {}
    for line in file.read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def seconds(span: str) -> float:
    number = re.fullmatch(r"(\d+)(s|min)", span)
    assert number is not None, span
    return float(number[1]) * {"s": 1, "min": 60}[number[2]]


@pytest.fixture(scope="module")
def unit() -> dict[str, list[str]]:
    return settings(UNIT)


@pytest.fixture
def systemd_analyze() -> str:
    found = shutil.which("systemd-analyze")
    if found is None and os.environ.get("CI"):
        pytest.fail("systemd-analyze is not there, and CI is where it has to be: .ci/run installs it")
    if found is None:
        pytest.skip("systemd-analyze is not installed; on Debian it comes with: apt-get install systemd")
    return found


def installed(folder: Path, unit: str) -> Path:
    """The unit and its drop-ins as they are installed, with a program that is there on every machine."""
    file = folder / "okdrop.service"
    file.write_text(re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", unit))
    drop_ins = folder / "okdrop.service.d"
    drop_ins.mkdir()
    for example in EXAMPLES:
        (drop_ins / example.with_suffix("").name).write_text(example.read_text())
    return file


def complaints(systemd_analyze: str, file: Path) -> list[str]:
    """What systemd has to say against a unit, whatever it thinks of the machine's others."""
    told = subprocess.run(
        [systemd_analyze, "verify", "--man=no", str(file)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"SYSTEMD_UNIT_PATH": f"{file.parent}:"},  # ":" keeps the places of all others
    )
    return [line for line in (told.stdout + told.stderr).splitlines() if "okdrop" in line]


def test_systemd_understands_every_line(systemd_analyze: str, tmp_path: Path) -> None:
    assert complaints(systemd_analyze, installed(tmp_path, UNIT.read_text())) == []


@pytest.mark.parametrize(
    "slip",
    [
        ("ProtectSystem=", "ProtectSytem="),
        ("RestartSec=10s", "RestartSec=soon"),
        ("Type=notify", "Type=note"),
    ],
)
def test_a_slip_would_be_seen(systemd_analyze: str, tmp_path: Path, slip: tuple[str, str]) -> None:
    assert complaints(systemd_analyze, installed(tmp_path, UNIT.read_text().replace(*slip, 1))) != []


def test_a_slip_in_an_example_would_be_seen(systemd_analyze: str, tmp_path: Path) -> None:
    file = installed(tmp_path, UNIT.read_text())
    example = tmp_path / "okdrop.service.d" / "folders.conf"
    example.write_text(example.read_text().replace("ReadWritePaths=", "ReadWritePath=", 1))
    assert any("ReadWritePath" in line for line in complaints(systemd_analyze, file))


def security(systemd_analyze: str, file: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [systemd_analyze, "security", "--offline=true", "--no-pager", *options, str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def left_open(systemd_analyze: str, file: Path) -> set[str]:
    """What systemd holds against a unit."""
    told = security(systemd_analyze, file, "--json=short")
    return {row["name"] for row in json.loads(told.stdout) if row["set"] is False}


def test_the_service_is_hardly_exposed(systemd_analyze: str, tmp_path: Path) -> None:
    told = security(systemd_analyze, installed(tmp_path, UNIT.read_text()), f"--threshold={MOST_EXPOSED}")
    assert "Overall exposure level" in told.stdout
    assert told.returncode == 0, told.stdout


def test_nothing_is_left_open_without_a_reason(systemd_analyze: str, tmp_path: Path) -> None:
    assert left_open(systemd_analyze, installed(tmp_path, UNIT.read_text())) <= {*LEFT_OPEN}


@pytest.mark.parametrize(
    "key", ["User", "ProtectSystem", "SystemCallFilter", "NoNewPrivileges", "PrivateTmp"]
)
def test_the_loss_of_a_protection_would_be_seen(systemd_analyze: str, tmp_path: Path, key: str) -> None:
    without = re.sub(rf"(?m)^{key}=.*\n", "", UNIT.read_text())
    assert not left_open(systemd_analyze, installed(tmp_path, without)) <= {*LEFT_OPEN}


def test_stopping_leaves_time_to_drain(unit: dict[str, list[str]]) -> None:
    assert seconds(*unit["TimeoutStopSec"]) > Config().upload.drain_timeout + 5


def test_only_a_configuration_that_cannot_be_used_is_not_tried_again(unit: dict[str, list[str]]) -> None:
    assert unit["Restart"] == ["always"]
    assert unit["RestartPreventExitStatus"] == [str(service.USAGE)]
    assert unit["StartLimitIntervalSec"] == ["0"]


def test_every_secret_is_passed_on_and_none_has_to_be_there(unit: dict[str, list[str]]) -> None:
    # A name without a path in it is looked for, and may be missing (systemd.exec(5), LoadCredential=).
    assert unit["LoadCredential"] == [f"{name}:okdrop.{name}" for name in SECRET_FILES.values()]


def test_encrypted_secrets_take_the_place_of_plain_ones(unit: dict[str, list[str]]) -> None:
    encrypted = settings(SYSTEMD / "okdrop.service.d" / "encrypted.conf.example")["LoadCredentialEncrypted"]
    assert set(encrypted) <= set(unit["LoadCredential"])


def test_the_ledger_lies_in_the_state_folder(unit: dict[str, list[str]]) -> None:
    state = Path("/var/lib", *unit["StateDirectory"])
    assert Config().ledger.url.get_secret_value() == f"sqlite:///{state / 'ledger.db'}"
    assert unit["StateDirectoryMode"] == ["0700"]


def test_the_configuration_lies_in_the_configuration_folder(unit: dict[str, list[str]]) -> None:
    folder = Path("/etc", *unit["ConfigurationDirectory"])
    assert DEFAULT_PATH.parent == folder
    assert unit["EnvironmentFile"] == [f"-{folder / 'okdrop.env'}"]
    assert unit["Environment"] == [f"OKDROP_ENVIRONMENT_FILE=-{folder / 'okdrop.env'}"]  # it may be missing


def test_the_one_capability_is_that_for_leases(unit: dict[str, list[str]]) -> None:
    assert unit["AmbientCapabilities"] == unit["CapabilityBoundingSet"] == ["CAP_LEASE"]
    assert "PrivateUsers" not in unit  # the kernel asks for the capability in the first user namespace


def test_watched_folders_are_not_hidden(unit: dict[str, list[str]]) -> None:
    assert unit["ProtectHome"] == ["read-only"]
    assert {"RootDirectory", "TemporaryFileSystem", "InaccessiblePaths"} & {*unit} == set()


def test_the_user_of_the_service_is_the_one_that_is_made(unit: dict[str, list[str]]) -> None:
    [line] = re.findall(r"(?m)^u (\S+) - \"[^\"]+\" (\S+)$", (SYSTEMD / "okdrop.sysusers.conf").read_text())
    assert line == (unit["User"][0], str(Path("/var/lib", *unit["StateDirectory"])))


@pytest.mark.parametrize("file", [UNIT, *EXAMPLES], ids=lambda file: file.name)
def test_what_is_not_plain_has_its_reason(file: Path) -> None:
    blocks = re.split(r"\n\s*\n", file.read_text())
    assert all(re.search(r"(?m)^#", block) for block in blocks if "[Install]" not in block)

"""What is built is whole: the wheel is the package with its data; a source archive makes the same wheel."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DAEMON = ROOT / "daemon"


def built(what: str, source: Path, target: Path) -> Path:
    """Build a wheel or a source archive, as pip and the Dockerfile do, without asking any index."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", what, "--directory", str(target)],
        cwd=source,
        check=True,
        capture_output=True,
    )
    [file] = target.iterdir()
    return file


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built("sdist", ROOT, tmp_path_factory.mktemp("sdist"))


def contents(wheel: Path) -> dict[str, bytes]:
    """Name → bytes of what the wheel installs, without its own records."""
    with zipfile.ZipFile(wheel) as opened:
        return {name: opened.read(name) for name in opened.namelist() if ".dist-info/" not in name}


def record(wheel: Path, name: str) -> str:
    with zipfile.ZipFile(wheel) as opened:
        [found] = [member for member in opened.namelist() if member.endswith(f".dist-info/{name}")]
        return opened.read(found).decode()


def test_the_wheel_is_the_package_with_all_its_data_and_nothing_else(wheel: Path) -> None:
    package = {
        path.relative_to(DAEMON).as_posix(): path.read_bytes()
        for path in DAEMON.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {"okdrop/py.typed", "okdrop/emulator/static/page.html", "okdrop/demo/samples/deep-zoom.mp4"} <= {
        *package
    }
    assert any("/migrations/versions/" in name for name in package)
    assert contents(wheel) == package


def test_a_source_archive_makes_the_same_wheel(archive: Path, wheel: Path, tmp_path: Path) -> None:
    with tarfile.open(archive) as opened:
        opened.extractall(tmp_path / "source", filter="data")
    [source] = (tmp_path / "source").iterdir()
    assert contents(built("wheel", source, tmp_path / "again")) == contents(wheel)


def test_a_source_archive_holds_all_that_is_kept(archive: Path) -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a checkout")
    with tarfile.open(archive) as opened:
        held = {name.partition("/")[2] for name in opened.getnames()}
    missing = {name for name in listed.stdout.splitlines() if (ROOT / name).is_file()} - held
    assert missing == set(), "name it in pyproject.toml, [tool.hatch.build.targets.sdist]"


def test_every_dependency_of_the_wheel_is_locked(wheel: Path) -> None:
    locked = {*re.findall(r"(?m)^([a-z0-9-]+)==", (ROOT / "requirements" / "notify.txt").read_text())}
    wanted = {*re.findall(r"(?m)^Requires-Dist: ([a-z0-9-]+)", record(wheel, "METADATA"))}
    assert wanted
    assert wanted <= locked


def test_what_builds_the_wheel_is_locked() -> None:
    locks = [(ROOT / "requirements" / name).read_text() for name in ("build.txt", "dev.txt")]
    build, dev = (dict(re.findall(r"(?m)^([a-z0-9-]+)==(\S+)", lock)) for lock in locks)
    assert "hatchling" in build
    assert build.items() <= dev.items()


def test_the_command_runs_from_the_wheel(wheel: Path, tmp_path: Path) -> None:
    shutil.unpack_archive(wheel, tmp_path, "zip")
    assert "okdrop = okdrop.entry:main" in record(wheel, "entry_points.txt")
    program = (
        "import okdrop.cli, sys; print(okdrop.__file__); sys.argv[1:] = ['--version']; okdrop.cli.main()"
    )
    told = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    version = re.findall(r"(?m)^Version: (.*)$", record(wheel, "METADATA"))
    assert told.stdout.splitlines() == [str(tmp_path / "okdrop" / "__init__.py"), f"okdrop {version[0]}"]

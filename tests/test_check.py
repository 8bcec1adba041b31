"""`check`: one line for each thing, and the gravest exit code."""

from __future__ import annotations

import json
import os
import pwd
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from okdrop import check as checking
from okdrop.check import CLOCK_TOLERANCE, Finding, check
from okdrop.config import load
from okdrop.emulator import ACCESS_TOKEN, APPLICATION_KEY, APPLICATION_SECRET_KEY, Emulator, Fault, Options
from okdrop.inbox.scan import Scan
from okdrop.inbox.walk import Problem
from okdrop.inbox.watching import Mode, Way
from okdrop.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def emulator(tmp_path: Path) -> AsyncIterator[Emulator]:
    async with Emulator(Options(data_dir=tmp_path / "ok")) as running:
        yield running


@pytest.fixture
def environ(tmp_path: Path, emulator: Emulator) -> dict[str, str]:
    (tmp_path / "drop").mkdir()
    return {
        "OKDROP_OK__API_URL": emulator.api_url,
        "OKDROP_OK__UPLOAD_HOSTS": '["127.0.0.1"]',
        "OKDROP_OK__APPLICATION_KEY": APPLICATION_KEY,
        "OKDROP_OK__APPLICATION_SECRET_KEY": APPLICATION_SECRET_KEY,
        "OKDROP_OK__ACCESS_TOKEN": ACCESS_TOKEN,
        "OKDROP_WATCH": json.dumps([{"path": str(tmp_path / "drop")}]),
        "OKDROP_LEDGER__URL": f"sqlite:///{tmp_path / 'ledger.db'}",
    }


async def checked(environ: dict[str, str], **changes: str) -> tuple[int, list[str]]:
    said: list[str] = []
    code = await check(load(None, environ | changes), said.append)
    return code, said


def about(said: list[str], what: str) -> str:
    (line,) = [line for line in said if line[6:].startswith(what)]
    return line


async def test_all_is_well(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "drop" / "a.mp4").write_bytes(b"x")
    code, said = await checked(environ)
    assert code == 0
    assert all(line.startswith("ok  ") for line in said)
    assert ": 1 video;" in about(said, "folder")
    assert about(said, "folder").endswith("watch mode: kernel events")
    assert "as Emulated User" in about(said, "account")
    assert about(said, "ledger").endswith(f"none yet; it will be made at {tmp_path}/ledger.db")
    assert about(said, "configuration").endswith("from the environment alone; there is no file")
    assert re.search(r"within \d s of OK's", about(said, "clock"))


async def test_a_folder_that_has_no_events_is_told_with_the_reason(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    way = Way(mode=Mode.POLLING, why="the kernel's limit of watches is reached")
    monkeypatch.setattr(checking, "look", lambda _watching, _folders: way)
    code, said = await checked(environ)
    assert code == 0
    assert about(said, "folder").endswith("polling every 5 s: the kernel's limit of watches is reached")


@pytest.mark.parametrize(
    ("scheduler", "words"),
    [("bfq", "reads come after those of others"), ("none", "does not heed: none"), ("", "not heed: unknown")],
)
async def test_what_reading_gently_comes_to_is_told(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, scheduler: str, words: str
) -> None:
    monkeypatch.setattr(checking, "scheduler_of", lambda _device: scheduler)
    monkeypatch.setattr(checking, "can_yield", lambda: True)
    code, said = await checked(environ, OKDROP_UPLOAD__GENTLE_READS="true")
    assert code == 0
    assert words in about(said, "upload.gentle_reads")
    monkeypatch.setattr(checking, "can_yield", lambda: False)
    _, said = await checked(environ, OKDROP_UPLOAD__GENTLE_READS="true")
    assert "does not let reads come last" in about(said, "upload.gentle_reads")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"OKDROP_OK__ACCESS_TOKEN": "another-token"}, "get a new token"),
        ({"OKDROP_OK__APPLICATION_SECRET_KEY": "another"}, "signature"),
        ({"OKDROP_OK__ACCESS_TOKEN": ""}, "not configured: ok.access_token"),
    ],
)
async def test_not_authorised(environ: dict[str, str], changes: dict[str, str], words: str) -> None:
    code, said = await checked(environ, **changes)
    assert code == 3
    line = about(said, "account")
    assert line.startswith("FAIL")
    assert words in line
    assert "another" not in "".join(said)
    asked = bool(changes.get("OKDROP_OK__ACCESS_TOKEN", "x"))
    assert ("ok    OK.ru: answers" in said) is asked


async def test_a_missing_folder(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "drop").rmdir()
    code, said = await checked(environ)
    assert code == 2
    start = f"FAIL  folder {tmp_path}/drop: No such file or directory; create the folder"
    assert about(said, "folder").startswith(start)
    assert about(said, "account").startswith("ok")  # the rest is looked at all the same


async def test_a_folder_in_it_that_files_cannot_move_out_of_is_told_by_name(
    environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    denied = tmp_path / "drop" / "cam\n2"
    denied.mkdir()
    (tmp_path / "drop" / "cam 1").mkdir()
    access = os.access

    def refuse(path: bytes | Path, mode: int, **how: bool) -> bool:
        return not os.fsencode(path).startswith(os.fsencode(denied)) and access(path, mode, **how)

    monkeypatch.setattr(os, "access", refuse)
    code, said = await checked(environ, **moving(tmp_path / "drop", tmp_path / "kept"))
    assert code == 2
    words = f"in it {tmp_path}/drop/cam\\n2 cannot be written, as after = 'move' needs"
    assert about(said, "folder") == f"FAIL  folder {tmp_path}/drop: {words}"
    (denied / "more").mkdir()
    _, said = await checked(environ, **moving(tmp_path / "drop", tmp_path / "kept"))
    assert f"in it {tmp_path}/drop/cam\\n2 and 1 more cannot be written" in about(said, "folder")
    assert (await checked(environ))[0] == 0  # what stays needs nothing of the kind


def moving(path: Path, move_to: Path) -> dict[str, str]:
    watch = {"path": str(path), "after": "move", "move_to": str(move_to)}
    return {"OKDROP_WATCH": json.dumps([watch])}


async def test_the_limits_in_force_are_named(environ: dict[str, str], tmp_path: Path) -> None:
    _, said = await checked(environ)
    assert not any("bandwidth" in line for line in said)
    watch = {"path": str(tmp_path / "drop"), "bandwidth": "00:00,off"}
    limits = {"OKDROP_UPLOAD__BANDWIDTH": "20MB/s", "OKDROP_WATCH": json.dumps([watch])}
    code, said = await checked(environ, **limits)
    assert code == 0
    assert about(said, "upload.bandwidth").endswith(": at most 20MB/s")
    assert about(said, "bandwidth of").endswith(
        f"bandwidth of {tmp_path}/drop: 00:00,off: no limit now, by the timetable"
    )


async def test_a_hook_that_cannot_be_run_is_told(environ: dict[str, str], tmp_path: Path) -> None:
    def hooks(*programs: str) -> dict[str, str]:
        named = [{"name": f"h{number}", "command": [one]} for number, one in enumerate(programs)]
        return {"OKDROP_HOOK": json.dumps(named)}

    code, said = await checked(environ, **hooks("/bin/sh"))
    assert code == 0
    assert "/bin/sh is run when there is: published" in about(said, "hook h0")
    plain = tmp_path / "plain"
    plain.touch()
    for program in (str(plain), str(tmp_path), "/nowhere/to/be/found"):
        code, said = await checked(environ, **hooks("/bin/sh", program))
        assert code == 2
        assert f"{program} is no program" in about(said, "hook h1")


async def test_a_webhook_is_named_by_its_host_alone(environ: dict[str, str]) -> None:
    webhook = {"name": "w", "url": "https://example.org/private-token", "secret": "0123456789abcdef"}
    _, said = await checked(environ, OKDROP_WEBHOOK=json.dumps([webhook]))
    assert "example.org is told" in about(said, "webhook w")
    assert not any("private-token" in line or "0123456789abcdef" in line for line in said)


@pytest.mark.parametrize("after", ["keep", "delete"])
async def test_a_move_to_that_has_no_effect_is_told(
    environ: dict[str, str], tmp_path: Path, after: str
) -> None:
    watch = {"path": str(tmp_path / "drop"), "after": after, "move_to": str(tmp_path / "kept")}
    code, said = await checked(environ, OKDROP_WATCH=json.dumps([watch]))
    assert code == 0
    assert f'has no effect, since after = "{after}"' in about(said, "move_to")


async def test_when_a_folder_publishes_is_told(environ: dict[str, str], tmp_path: Path) -> None:
    folder = {"path": str(tmp_path / "drop"), "publish_window": "00:00-00:01 Mon 00:00-00:01"}
    code, said = await checked(environ, OKDROP_WATCH=json.dumps([folder | {"public_after": "1h"}]))
    assert code == 0
    assert re.search(r"00:00-00:01 Mon 00:00-00:01: (open now|opens at \d{4})", about(said, "publish_window"))
    assert 'has no effect, since publish = "at once"' in about(said, "public_after")
    friends = folder | {"publish": "friends first", "public_after": "1h"}
    _, said = await checked(environ, OKDROP_WATCH=json.dumps([friends]))
    assert "public_after" not in "\n".join(said)


async def test_where_published_files_move_to(environ: dict[str, str], tmp_path: Path) -> None:
    code, said = await checked(environ, **moving(tmp_path / "drop", tmp_path / "a" / "b"))
    assert code == 0
    assert "renamed" in about(said, "move_to")
    assert not (tmp_path / "a").exists()
    (tmp_path / "a").write_bytes(b"")
    code, said = await checked(environ, **moving(tmp_path / "drop", tmp_path / "a" / "b"))
    assert code == 2
    assert f"{tmp_path}/a is no folder" in about(said, "move_to")


@pytest.mark.parametrize(
    ("there", "words"),
    [
        (True, "cannot be written; let okdrop's user write to {kept}"),
        (False, "cannot be created; create it for okdrop: install -d -o {user} '{kept}'"),
    ],
)
async def test_a_place_to_move_to_that_may_not_be_used(
    environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, *, there: bool
) -> None:
    kept = tmp_path / "archive" / "kept it"
    (kept if there else kept.parent).mkdir(parents=True)
    access = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode, **how: "archive" not in str(path) and access(path, mode, **how)
    )
    code, said = await checked(environ, **moving(tmp_path / "drop", kept))
    assert code == 2
    user = pwd.getpwuid(os.geteuid()).pw_name
    assert about(said, "move_to").endswith(": " + words.format(kept=kept, user=user))


async def test_a_place_to_move_to_on_another_disk(environ: dict[str, str], tmp_path: Path) -> None:
    memory = Path("/dev/shm")  # noqa: S108 - another file system, of which every Linux has one
    if os.lstat(memory).st_dev == os.lstat(tmp_path).st_dev:
        pytest.skip("there is no other file system here")
    code, said = await checked(environ, **moving(tmp_path / "drop", memory / "kept"))
    assert code == 0
    assert "copied" in about(said, "move_to")


async def test_no_folder(environ: dict[str, str]) -> None:
    code, said = await checked(environ, OKDROP_WATCH="[]")
    assert code == 2
    assert "[[watch]]" in about(said, "folders")


async def test_an_api_that_cannot_be_reached(environ: dict[str, str]) -> None:
    code, said = await checked(environ, OKDROP_OK__API_URL="http://127.0.0.1:1")
    assert code == 1
    assert about(said, "OK.ru").startswith("FAIL  OK.ru: 127.0.0.1:1 cannot be asked: ")
    assert "look at the network" in about(said, "OK.ru")


@pytest.mark.parametrize(("fault", "hint"), [("error_503", "try again later"), ("garbage", "in OK's place")])
async def test_an_api_in_trouble(environ: dict[str, str], emulator: Emulator, fault: str, hint: str) -> None:
    emulator.faults.add(Fault.of(fault, method="users.getCurrentUser"))
    code, said = await checked(environ)
    assert code == 1
    host = emulator.api_url.removeprefix("http://")
    assert about(said, "OK.ru").startswith(f"FAIL  OK.ru: {host} answers, but not as it should: ")
    assert hint in about(said, "OK.ru")


async def test_a_missing_folder_is_told_before_all_else_by_the_exit_code(
    environ: dict[str, str], tmp_path: Path
) -> None:
    assert (await checked(environ, OKDROP_OK__ACCESS_TOKEN=""))[0] == 3
    (tmp_path / "drop").rmdir()
    assert (await checked(environ, OKDROP_OK__ACCESS_TOKEN=""))[0] == 2
    assert (await checked(environ, OKDROP_OK__API_URL="http://127.0.0.1:1"))[0] == 2


async def test_a_folder_below_that_cannot_be_looked_at(
    environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Scan(found=(), problems=(Problem(path=b"/a/b", reason="Permission denied"),) * 3, folders={})
    monkeypatch.setattr(checking, "scan", lambda *_, **__: found)
    code, said = await checked(environ)
    assert code == 2
    start = f"FAIL  folder {tmp_path}/drop: /a/b (and 2 more) cannot be looked at: Permission denied; a run"
    assert about(said, "folder").startswith(start)


async def test_nothing_is_created(environ: dict[str, str], tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/state/deep/ledger.db"
    before = os.listdir(tmp_path)  # noqa: PTH208 - names are what is looked at
    assert (await checked(environ, OKDROP_LEDGER__URL=url))[0] == 0
    assert os.listdir(tmp_path) == before  # noqa: PTH208


@pytest.mark.parametrize("there", [True, False])
async def test_a_ledger_that_this_user_could_not_write(
    environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, there: bool
) -> None:
    if there:
        await (await Ledger.open(environ["OKDROP_LEDGER__URL"])).close()
    shut = tmp_path / "ledger.db" if there else tmp_path
    access = os.access

    def refuse(path: str | Path, mode: int, **how: bool) -> bool:
        return not (mode & os.W_OK and Path(path) == shut) and access(path, mode, **how)

    monkeypatch.setattr(os, "access", refuse)
    code, said = await checked(environ)
    assert code == 2
    assert f"{shut} may not be written by this user" in about(said, "ledger")


async def test_an_older_ledger_is_brought_up_to_date_by_the_next_run(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await (await Ledger.open(environ["OKDROP_LEDGER__URL"])).close()
    monkeypatch.setattr("okdrop.ledger.migrate.HEAD", "a later one")
    code, said = await checked(environ)
    assert code == 0
    assert "the next run brings it up to date" in about(said, "ledger")


async def test_keys_that_nobody_heeds_are_named(environ: dict[str, str]) -> None:
    code, said = await checked(environ, OKDROP_OK__APPLICATION_ID="7", OKDROP_OK__REFRESH_TOKEN="hush")
    assert code == 0
    line = "ok    configuration: set, but not heeded by this version: ok.application_id, ok.refresh_token"
    assert line in said


async def test_the_file_is_named(environ: dict[str, str]) -> None:
    said: list[str] = []
    await check(load(None, environ), said.append, file=Path("/etc/okdrop/okdrop.toml"))
    assert said[0] == "ok    configuration: /etc/okdrop/okdrop.toml can be used"


async def test_a_ledger_that_cannot_be_used(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"this is no database, by any means" * 100)
    code, said = await checked(environ)
    assert code == 2
    assert about(said, "ledger").startswith("FAIL")


async def test_a_ledger_in_use_is_well(environ: dict[str, str]) -> None:
    async with await Ledger.open(environ["OKDROP_LEDGER__URL"]):
        code, said = await checked(environ)
    assert code == 0
    assert f"0 uploads; in use by a running okdrop (process {os.getpid()})" in about(said, "ledger")


@pytest.mark.parametrize("hours", [5, -5])
async def test_a_clock_that_is_off(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    class Skewed(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]  # always asked in UTC
            assert tz is UTC
            return datetime.now(UTC) + timedelta(hours=hours)

    monkeypatch.setattr(checking, "datetime", Skewed)
    code, said = await checked(environ)
    assert code == 1
    told = re.search(r"([+-]\d+) s off OK's", about(said, "clock"))
    assert told is not None
    assert int(told[1]) == pytest.approx(hours * 3600, abs=5)


def test_the_clock_by_itself() -> None:
    assert checking._clock(None).code == 0
    assert checking._clock(CLOCK_TOLERANCE).code == 0
    assert checking._clock(-CLOCK_TOLERANCE - 1).code == 1


def test_a_finding_in_one_line() -> None:
    assert str(Finding("ledger", "3 uploads")) == "ok    ledger: 3 uploads"
    assert str(Finding("ledger", "none", 2)) == "FAIL  ledger: none"


async def test_whether_the_program_is_there_is_told_only_where_a_template_asks(
    environ: dict[str, str], tmp_path: Path
) -> None:
    _, said = await checked(environ)
    assert not [line for line in said if "ffprobe" in line]
    watch = json.dumps([{"path": str(tmp_path / "drop"), "title": "{{ media.title or stem }}"}])
    for program, words in (
        ("cat", "/cat looks into"),
        ("no-such-one", "not installed"),
        ("", "switched off"),
    ):
        code, said = await checked(environ, OKDROP_WATCH=watch, OKDROP_METADATA__FFPROBE=program)
        assert code == 0
        assert words in about(said, "metadata.ffprobe")

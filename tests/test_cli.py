"""The commands, in this process: what they print, and the exit code."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import typing
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import typer.main

from ledger.making import START, drop, revision, ticket
from okdrop import __version__, cli, report
from okdrop.cli import ordering
from okdrop.config import load
from okdrop.drop import Drop, Halt, State
from okdrop.errors import ConfigurationError, Halted, LedgerError
from okdrop.inbox.revision import revision_of
from okdrop.ledger import Ledger, read_only

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COMMANDS = [
    *("run", "upload", "status", "show", "retry", "cancel", "go", "adopt", "explain", "check", "health"),
    *("init", "emulator", "demo", "bandwidth", "log", "pause", "resume", "top", "watch-test"),
    *("release", "update"),
    "notify-test",
]


@pytest.fixture(autouse=True)
def _signals_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A command that is a run heeds signals to the end of its process, which here is the test's own."""
    monkeypatch.setattr("threading.Timer.start", lambda _timer: None)
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def okdrop(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., tuple[int, str, str]]:
    """Run a command line; gives exit code, standard output, standard error."""
    file = tmp_path / "okdrop.toml"
    file.write_text(f'[ledger]\nurl = "sqlite:///{tmp_path / "ledger.db"}"\n')
    monkeypatch.setenv("OKDROP_CONFIG", str(file))
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["okdrop", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.main()
        out, err = capsys.readouterr()
        code = end.value.code
        return code if isinstance(code, int) else 0, out, err

    return run


@pytest.fixture
def ledger_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'ledger.db'}"


@pytest.fixture
def rows(ledger_url: str) -> None:
    """Upload 1 failed, with a ticket; upload 2 is published."""

    async def fill() -> None:
        async with await Ledger.open(ledger_url) as ledger:
            first = await ledger.add(drop(b"/srv/drop/\xffa.mp4"))
            await ledger.write(first.to(State.FAILED, ticket=ticket()), note="refused")
            row = await ledger.add(drop(b"/srv/drop/b.mp4"))
            for state in (State.UPLOADING, State.FINALIZING, State.PUBLISHED):
                row = await ledger.write(row.to(state))

    asyncio.run(fill())


def test_every_command_is_known() -> None:
    assert sorted(typer.main.get_group(cli.app).commands) == sorted(COMMANDS)  # type: ignore[attr-defined]  # a group has them


def test_what_cannot_be_read_is_told_in_our_own_words() -> None:
    """Left alone, the parser of the command line refuses it, with a usage error in place of a reason."""
    paths = [
        (command.callback.__name__, name, about.readable)
        for command in cli.app.registered_commands
        if command.callback is not None
        for name, kind in typing.get_type_hints(command.callback, include_extras=True).items()
        for about in getattr(kind, "__metadata__", ())
        if "pathlib.Path" in str(kind)
    ]
    assert len(paths) > 10
    assert [(command, name) for command, name, readable in paths if readable] == []


def test_a_file_that_may_not_be_read(tmp_path: Path, okdrop: object) -> None:
    """By the kernel's own word: root is held to permissions, too, once it lacks two capabilities."""
    del okdrop
    closed, other = tmp_path / "drop" / "a.mp4", tmp_path / "drop" / "b.mp4"
    closed.parent.mkdir()
    for path in (closed, other):
        path.write_bytes(bytes(20_000))
        path.chmod(0)
    bound = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search")
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("no setpriv here to hold root to permissions")

    def asked(*arguments: str) -> tuple[int, list[str], list[str]]:
        run = (*(bound if os.geteuid() == 0 else ()), sys.executable, "-m", "okdrop", *arguments)
        done = subprocess.run(run, capture_output=True, text=True, check=False, cwd=tmp_path)
        return done.returncode, done.stdout.splitlines(), done.stderr.splitlines()

    code, out, err = asked("explain", str(closed))
    assert (code, err) == (0, [f"okdrop: there is no ledger at {tmp_path / 'ledger.db'} yet"])
    assert any("it cannot be read: " in line for line in out)
    assert "verdict:     would not be taken" in out[1]
    code, out, err = asked("upload", str(closed), str(other))
    assert (code, out) == (2, [])
    assert [line.partition(" cannot be read: ")[0] for line in err] == [
        f"okdrop: {closed}",
        f"okdrop: {other}",
    ]
    code, out, err = asked("adopt", str(closed), str(other))
    assert (code, out) == (2, ["0 adopted, 0 published already, 2 refused"])
    assert len(err) == 2
    assert all("may not be read" in line for line in err), err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(okdrop: Callable[..., tuple[int, str, str]], command: str) -> None:
    code, out, err = okdrop(command, "--help")
    assert (code, err) == (0, "")
    assert f"okdrop {command}" in out
    assert okdrop(command, "-h") == (0, out, "")


def test_version(okdrop: Callable[..., tuple[int, str, str]]) -> None:
    assert okdrop("--version") == (0, f"okdrop {__version__}\n", "")


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-such-command"],
        ["status", "--no-such-option"],
        ["show"],
        ["show", "seven"],
        ["upload"],
        ["upload", "/no/such/file.mp4"],
        ["retry"],
        ["release"],
        ["release", "1", "--all"],
        ["update"],
        ["retry", "1", "--failed"],
        ["cancel"],
        ["emulator"],
        ["emulator", "--data", "ok", "--port", "99999"],
        ["status", "--config", "/no/such/okdrop.toml"],
        ["run", "--once"],
        ["bandwidth", "fast"],
        ["log", "loud"],
        ["log", "debug", "--for", "a while"],
        ["log", "--for", "1h"],
        ["log", "reset", "--for", "1h"],
        ["log", "debug"],  # there is no ledger yet, and an order makes none
        ["bandwidth", "0"],
        ["bandwidth", "08:00,1MiB/s", "08:00,off"],
        ["bandwidth", "off", "off"],
        ["bandwidth", "--folder", "/not/watched"],
        ["bandwidth", "2MiB/s"],  # there is no ledger yet, and an order makes none
        ["pause"],
        ["resume"],
    ],
)
def test_a_usage_or_configuration_error_is_2(
    okdrop: Callable[..., tuple[int, str, str]], arguments: list[str]
) -> None:
    code, out, err = okdrop(*arguments)
    assert code == 2
    assert (out, err != "") == ("", True)
    assert "Traceback" not in err


@pytest.mark.parametrize("title", ["", "  ", "\u200b"])
def test_a_title_that_nobody_can_read_is_refused(
    okdrop: Callable[..., tuple[int, str, str]], tmp_path: Path, title: str
) -> None:
    (tmp_path / "a.mp4").write_bytes(b"x" * 20_000)
    code, out, err = okdrop("upload", str(tmp_path / "a.mp4"), "--title", title)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("okdrop: --title: ")


def test_what_is_no_video_by_its_name_is_refused_unless_any_is_meant(
    okdrop: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_bytes(b"x" * 20_000)
    code, out, err = okdrop("upload", str(tmp_path / "notes.txt"))
    assert (code, out, "no video by its name" in err) == (2, "", True)
    assert okdrop("upload", "--any", str(tmp_path / "notes.txt"))[0] == 3  # no credentials here


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("command", ["show", "retry", "cancel"])
@pytest.mark.parametrize("number", ["0", "3", "99999999999999999999"])
def test_a_number_that_no_upload_has(
    okdrop: Callable[..., tuple[int, str, str]], command: str, number: str
) -> None:
    expected = f"okdrop: there is no upload {number}; okdrop status lists them\n"
    assert okdrop(command, number) == (2, "", expected)


@pytest.mark.usefixtures("rows")
def test_who_talks_to_nobody_needs_no_secret(
    okdrop: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setenv("OKDROP_OK__ACCESS_TOKEN_FILE", "/no/such/file")
    monkeypatch.setenv("OKDROP_OK__SESSION_SECRET_KEY", "no possible secret")
    for command in ("status", "show 1", "retry 1", "cancel 1", "go", f"adopt {folder}", f"explain {folder}"):
        code, _, err = okdrop(*command.split())
        assert (command, code, err) == (command, 0, "")
    assert "no daemon" in okdrop("health")[2]
    for command in ("check", "run --once", f"upload {folder / 'a.mp4'}"):
        code, _, err = okdrop(*command.split())
        assert (code, "ok.access_token: the secret" in err) == (2, True)


def test_a_configuration_error_is_one_line(
    okdrop: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OKDROP_UPLOAD__WORKERS", "many")
    code, _, err = okdrop("status")
    assert code == 2
    assert len(err.splitlines()) == 1
    assert err.startswith("okdrop: ")
    assert "many" in err


@pytest.mark.usefixtures("rows")
def test_status(okdrop: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = okdrop("status")
    assert (code, err) == (0, "")
    assert "b.mp4" in out
    assert "1 published" in out


@pytest.mark.usefixtures("rows")
def test_status_for_programs(okdrop: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = okdrop("status", "--json")
    told = json.loads(out)
    assert (code, err) == (0, "")
    assert (told["counts"]["failed"], told["counts"]["published"]) == (1, 1)
    assert [row["path"] for row in told["uploads"]] == ["/srv/drop/\udcffa.mp4", "/srv/drop/b.mp4"]
    assert "SECRETSIGNATURE" not in out


@pytest.mark.usefixtures("rows")
def test_status_shows_the_newest_alone_unless_it_is_asked_for_all(
    okdrop: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "NEWEST", 1)
    out = okdrop("status")[1]
    assert [line.split("\t")[0] for line in out.splitlines()[:-1]] == ["id", "2"]
    assert out.splitlines()[-1].endswith("(the newest 1 of 2 are shown; --all shows all)")
    assert [line.split("\t")[0] for line in okdrop("status", "--all")[1].splitlines()[:-1]] == [
        "id",
        "1",
        "2",
    ]
    assert len(json.loads(okdrop("status", "--json")[1])["uploads"]) == 2


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("command", [["status"], ["show", "2"]])
def test_on_a_terminal_there_are_tables(
    okdrop: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    code, out, _ = okdrop(*command)
    assert code == 0
    assert "b.mp4" in out
    assert "┏" in out or "+" in out or "│" in out


def test_status_before_there_is_a_ledger(okdrop: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    code, out, err = okdrop("status", "--json")
    assert code == 0
    assert json.loads(out) == {
        "counts": {state.value: 0 for state in State},
        "uploads": [],
        "orphans": {"waiting": 0, "given_up": 0},
        "by_hand": {"paused_since": None, "bandwidth": [], "log": None},
        "halted": None,
        "halts": [],
    }
    assert err == f"okdrop: there is no ledger at {tmp_path / 'ledger.db'} yet\n"
    assert not (tmp_path / "ledger.db").exists()
    code, out, _ = okdrop("status")
    assert (code, "nothing was ever dropped" in out) == (0, True)


def test_status_of_a_broken_ledger(okdrop: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"no database" * 1000)
    code, out, err = okdrop("status", "--json")
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1


@pytest.mark.usefixtures("rows")
def test_show(okdrop: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = okdrop("show", "2")
    assert (code, err) == (0, "")
    assert "new → queued" in out
    assert "finalizing → published" in out
    code, out, _ = okdrop("show", "1", "--json")
    told = json.loads(out)
    assert (code, told["id"], told["history"][-1]["note"]) == (0, 1, "refused")


@pytest.mark.usefixtures("rows")
def test_show_of_an_unknown_id(okdrop: Callable[..., tuple[int, str, str]]) -> None:
    assert okdrop("show", "9") == (2, "", "okdrop: there is no upload 9; okdrop status lists them\n")


@pytest.mark.usefixtures("rows")
def test_what_retry_promises_of_bytes_that_ok_holds_is_true_of_failed_uploads_alone(
    okdrop: Callable[..., tuple[int, str, str]], ledger_url: str
) -> None:
    """Cancelling gives the ticket up, and with it what OK holds."""

    def keeps_its_ticket() -> bool:
        with read_only(ledger_url) as reader:
            (row,) = reader.uploads(ids=[1])
        return row.ticket is not None

    words = " ".join(okdrop("retry", "--help")[1].split())
    assert "Of a failed one, bytes that OK holds are not sent again; a cancelled one begins anew." in words
    okdrop("retry", "1")
    assert keeps_its_ticket()
    okdrop("cancel", "1")
    okdrop("retry", "1")
    assert not keeps_its_ticket()


@pytest.mark.usefixtures("rows")
def test_retry(okdrop: Callable[..., tuple[int, str, str]]) -> None:
    assert okdrop("retry", "1") == (0, "upload 1: queued again\n", "")
    code, out, err = okdrop("retry", "1", "9")
    assert (code, out) == (2, "")
    assert err.splitlines() == [
        "okdrop: upload 1 is queued; only failed and cancelled ones can be retried",
        "okdrop: there is no upload 9; okdrop status lists them",
    ]


@pytest.mark.usefixtures("rows")
def test_retry_of_all_that_failed(okdrop: Callable[..., tuple[int, str, str]]) -> None:
    assert okdrop("retry", "--failed") == (0, "upload 1: queued again\n", "")
    assert okdrop("retry", "--failed") == (0, "nothing to hand back\n", "")


@pytest.mark.usefixtures("rows")
def test_cancel(okdrop: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = okdrop("cancel", "1", "2")
    assert (code, out) == (2, "upload 1: cancelled\n")
    assert err == "okdrop: upload 2 is published; only unfinished and failed ones can be cancelled\n"


@pytest.mark.usefixtures("rows")
def test_release_and_update_say_what_can_be_told_ok_and_what_not(
    okdrop: Callable[..., tuple[int, str, str]],
) -> None:
    assert okdrop("release", "--all") == (0, "nothing to release\n", "")
    code, out, err = okdrop("release", "1", "2")
    assert (code, out) == (2, "")
    assert err.splitlines() == [
        "okdrop: upload 1 is failed; only what was published for friends first can be released",
        "okdrop: upload 2 was not published for friends first, or is public already",
    ]
    code, out, err = okdrop("update", "2", "1")
    assert (code, out) == (2, "")
    assert err.splitlines() == [
        "okdrop: upload 2 was adopted: okdrop does not know its video",
        "okdrop: upload 1 is failed; only published ones can be updated",
    ]


def test_init_writes_a_configuration_that_can_be_used_and_replaces_none(
    okdrop: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    file = tmp_path / "deep" / "okdrop.toml"
    code, out, err = okdrop("init", str(file), "--folder", str(tmp_path))
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == f"wrote {file}; next:"
    assert out.splitlines()[-1] == f"  4. okdrop check --config {file}"
    assert load(file, {}).watch[0].path == tmp_path
    assert okdrop("init", "--config", str(file)) == (
        2,
        "",
        f"okdrop: {file} is there already; name another place, or replace it with --force\n",
    )
    assert okdrop("init", "--config", str(file), "--force")[0] == 0
    assert load(file, {}).watch[0].path == Path("/srv/drop")


def test_init_writes_where_okdrop_reads(
    okdrop: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "mine.toml"
    monkeypatch.setenv("OKDROP_CONFIG", str(file))
    code, out, _ = okdrop("init")
    assert (code, file.exists()) == (0, True)
    assert out.splitlines()[-1] == "  4. okdrop check"
    assert okdrop("init", str(file), "--config", str(file))[0] == 2


def test_explain_answers_whatever_the_answer_and_without_a_ledger(
    okdrop: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    code, out, err = okdrop("explain", str(tmp_path / "missing\n.mp4"))
    assert (code, err) == (0, f"okdrop: there is no ledger at {tmp_path / 'ledger.db'} yet\n")
    assert out.splitlines()[:2] == [f"{tmp_path}/missing\\n.mp4", "  verdict:     would not be taken"]
    assert not (tmp_path / "ledger.db").exists()


@pytest.mark.usefixtures("rows")
def test_explain_for_programs(okdrop: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    code, out, err = okdrop("explain", str(tmp_path), "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["why"][-1] == "it is a folder; name the files in it"


def test_explain_of_a_broken_ledger_is_2(okdrop: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"no database" * 1000)
    code, out, err = okdrop("explain", str(tmp_path))
    assert (code, out, len(err.splitlines())) == (2, "", 1)


@pytest.mark.parametrize("command", ["retry", "cancel", "show"])
def test_an_order_before_there_is_a_ledger(
    okdrop: Callable[..., tuple[int, str, str]], tmp_path: Path, command: str
) -> None:
    code, out, err = okdrop(command, "1")
    assert (code, out) == (2, "")
    assert "there is no ledger" in err
    assert not (tmp_path / "ledger.db").exists()


@pytest.mark.parametrize("fault", ["rain", "lost_answer:colour=red", "lost_answer:times=often"])
def test_an_unknown_fault_is_one_clear_line(
    okdrop: Callable[..., tuple[int, str, str]], tmp_path: Path, fault: str
) -> None:
    code, out, err = okdrop("emulator", "--data", str(tmp_path / "ok"), "--port", "0", "--fault", fault)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert fault.partition(":")[0] in err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigurationError("no"), 2),
        (LedgerError("no"), 2),
        (Halted("no"), 3),
        (BaseExceptionGroup("tasks", [BaseExceptionGroup("inner", [LedgerError("no")])]), 2),
    ],
)
def test_an_expected_error_is_one_line(
    okdrop: Callable[..., tuple[int, str, str]],
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    code: int,
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(cli, "app", fail)
    assert okdrop() == (code, "", "okdrop: no\n")


def test_without_a_command_the_help_is_shown(okdrop: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = okdrop()
    assert (code, out) == (2, "")
    for command in COMMANDS:
        assert f"\n  {command} " in err
    assert "..." not in err.partition("Commands:")[2]  # no sentence is cut


@pytest.mark.usefixtures("rows")
def test_a_poor_locale_costs_no_answer(
    okdrop: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    bytes_out = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(bytes_out, "ascii", write_through=True))
    assert okdrop("show", "2")[0] == 0
    assert b"new \\u2192 queued" in bytes_out.getvalue()


def test_a_bug_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise BaseExceptionGroup("tasks", [LedgerError("no"), ZeroDivisionError()])

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(BaseExceptionGroup):
        cli.main()


def test_health_is_a_live_process_that_holds_a_ledger_that_can_be_read(
    okdrop: Callable[..., tuple[int, str, str]], ledger_url: str
) -> None:
    async def ask_beside_a_daemon() -> tuple[int, str, str]:
        async with await Ledger.open(ledger_url):
            return await asyncio.to_thread(okdrop, "health")

    assert okdrop("health")[0] == 1
    assert asyncio.run(ask_beside_a_daemon()) == (0, f"process {os.getpid()} holds the ledger\n", "")
    code, out, err = okdrop("health")
    assert (code, out, err.count("\n")) == (1, "", 1)


HALT = Halt(code="api_102", message="the token has expired", hint="get a new one", since=START)
HALTED = "everything waits since 2030-01-01 12:00:00 UTC: the token has expired (api_102); get a new one"


@pytest.mark.usefixtures("rows")
def test_who_looks_on_beside_a_halted_daemon_is_told(
    okdrop: Callable[..., tuple[int, str, str]], ledger_url: str
) -> None:
    async def ask_beside_it(*arguments: str, halt: Halt | None = HALT) -> str:
        async with await Ledger.open(ledger_url) as ledger:
            await ledger.note_halt(halt)
            code, out, err = await asyncio.to_thread(okdrop, *arguments)
            assert (code, err) == (0, "")
            return out

    def asked(*arguments: str, halt: Halt | None = HALT) -> str:
        return asyncio.run(ask_beside_it(*arguments, halt=halt))

    assert asked("status").splitlines()[:2] == [HALTED, "\t".join((*report._COLUMNS, "reason", "updated"))]
    assert asked("status", halt=None).startswith("id\t")
    assert json.loads(asked("status", "--json"))["halted"] == {
        "code": "api_102",
        "message": "the token has expired",
        "hint": "get a new one",
        "since": "2030-01-01T12:00:00.123Z",
        "account": "",
    }
    assert json.loads(asked("status", "--json", halt=None))["halted"] is None
    assert json.loads(asked("status", "--json", halt=None))["halts"] == []
    assert asked("health") == f"process {os.getpid()} holds the ledger; {HALTED}\n"
    asked("retry", "1")
    assert asked("show", "1").splitlines()[0] == HALTED
    assert HALTED not in asked("show", "1", halt=None)
    assert json.loads(asked("show", "1", "--json"))["halted"]["code"] == "api_102"
    assert HALTED not in asked("show", "2")  # published: nothing of it waits
    code, out, _ = okdrop("status")
    assert (code, HALTED in out) == (0, False)  # nobody holds the ledger any more


def test_a_damaged_ledger_is_no_health(okdrop: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"this is no database, but it is long enough to look at" * 100)
    code, out, err = okdrop("health")
    assert (code, out) == (1, "")
    assert "damaged" in err


def test_a_bug_is_one_line_and_a_traceback_and_1(
    okdrop: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    signed = "https://vu.okcdn.ru/upload.do?sig=0123456789abcdef"

    async def crash(*_: object) -> int:
        async with asyncio.TaskGroup() as group:
            group.create_task(bug())
        return 0

    async def bug() -> None:
        raise KeyError(signed)

    monkeypatch.setattr("okdrop.service.run_once", crash)
    code, out, err = okdrop("run", "--once")
    (line,) = err.splitlines()
    told = json.loads(line)
    assert (code, out, told["event"], told["level"]) == (1, "", "service.crashed", "error")
    assert told["message"] == "KeyError: '[url]"
    assert "in bug" in told["traceback"]
    assert "0123456789abcdef" not in err


# --- folders ------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, okdrop: object) -> Path:
    """A watched folder with two videos."""
    del okdrop
    with (tmp_path / "okdrop.toml").open("a") as file:
        file.write(f'[[watch]]\npath = "{tmp_path / "drop"}"\n')
    (tmp_path / "drop").mkdir()
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / "drop" / name).write_bytes(name.encode() * 4096)
    return tmp_path / "drop"


def test_adopt_and_again(okdrop: Callable[..., tuple[int, str, str]], folder: Path) -> None:
    code, out, err = okdrop("adopt", str(folder))
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == "2 adopted, 0 published already, 0 refused"
    assert str(folder / "a.mp4") in out
    code, out, err = okdrop("adopt", str(folder / "a.mp4"), "--fast")
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == "0 adopted, 1 published already, 0 refused"


def test_adopt_of_many_names_only_what_is_refused(
    okdrop: Callable[..., tuple[int, str, str]],
    folder: Path,
    ledger_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def under_way() -> None:
        async with await Ledger.open(ledger_url) as ledger:
            path = folder / "a.mp4"
            revision = revision_of(path.stat())
            row = await ledger.add(Drop(path=bytes(path), revision=revision, folder=""))
            await ledger.write(row.to(State.UPLOADING))

    asyncio.run(under_way())
    monkeypatch.setattr(ordering, "FEW", 1)
    code, out, err = okdrop("adopt", str(folder))
    assert code == 2
    assert out == "1 adopted, 0 published already, 1 refused\n"
    assert "okdrop cancel 1" in err


def test_adopt_of_nothing_is_one_line(okdrop: Callable[..., tuple[int, str, str]], folder: Path) -> None:
    code, out, err = okdrop("adopt", str(folder / "a.mp4"), str(folder / "none.mp4"))
    assert (code, out) == (2, "")
    assert err == f"okdrop: {folder / 'none.mp4'}: No such file or directory\n"
    assert okdrop("status", "--json")[1].count('"id"') == 0


def test_check_names_the_file_it_went_by(okdrop: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    code, out, err = okdrop("check")
    assert (code, err) == (2, "")
    assert out.startswith(f"ok    configuration: {tmp_path / 'okdrop.toml'} can be used\n")


def test_go(okdrop: Callable[..., tuple[int, str, str]], folder: Path, ledger_url: str) -> None:
    async def hold() -> None:
        async with await Ledger.open(ledger_url) as ledger:
            await ledger.add_all(
                [
                    Drop(path=b"/a%d" % number, revision=revision(inode=number), folder=str(folder))
                    for number in range(3)
                ],
                held=True,
            )

    asyncio.run(hold())
    code, _, err = okdrop("go", str(folder.parent))
    assert code == 2
    assert "is no watched folder" in err
    assert okdrop("go", str(folder)) == (0, "released 3 uploads\n", "")
    assert okdrop("go") == (0, "nothing is held\n", "")


@pytest.mark.usefixtures("rows")
def test_a_limit_is_set_shown_and_taken_back(okdrop: Callable[..., tuple[int, str, str]]) -> None:
    assert okdrop("bandwidth") == (0, "all uploads together: no limit, as configured\n", "")
    code, out, err = okdrop("bandwidth", "2MiB/s")
    assert (code, err) == (0, "")
    assert re.fullmatch(
        r"all uploads together: at most 2MiB/s, set by hand since \S+Z; configured: no limit\n", out
    )
    code, out, _ = okdrop("bandwidth", "--json")
    assert (code, json.loads(out)["limits"][0]["rate"]) == (0, 2 * 1024 * 1024)
    shown = okdrop("status")[1].splitlines()[-1]
    assert shown.startswith("all uploads together: at most 2MiB/s, set by hand")
    assert json.loads(okdrop("status", "--json")[1])["by_hand"]["bandwidth"][0]["limit"] == "2MiB/s"
    assert okdrop("bandwidth", "reset")[1] == "all uploads together: no limit, as configured\n"
    assert json.loads(okdrop("status", "--json")[1])["by_hand"]["bandwidth"] == []


@pytest.mark.usefixtures("rows")
def test_a_timetable_needs_no_quotes_and_says_what_holds_now(
    okdrop: Callable[..., tuple[int, str, str]],
) -> None:
    code, out, _ = okdrop("bandwidth", "00:00,1MiB/s", "00:01,1MiB/s")
    assert code == 0
    assert out.endswith("; now 1MiB/s\n")


@pytest.mark.usefixtures("rows")
def test_a_folder_is_named_as_it_is_watched(
    okdrop: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OKDROP_WATCH", '[{"path": "/srv/drop", "bandwidth": "3MiB/s"}]')
    code, out, _ = okdrop("bandwidth", "off", "--folder", "/srv/drop/")
    assert code == 0
    assert out.startswith("/srv/drop: no limit, set by hand since ")
    assert out.endswith("; configured: at most 3MiB/s\n")
    assert okdrop("bandwidth")[1].splitlines()[0] == "all uploads together: no limit, as configured"
    code, out, err = okdrop("bandwidth", "1MiB/s", "--folder", "/srv")
    assert (code, out) == (2, "")
    assert "'/srv' is no watched folder" in err


@pytest.mark.usefixtures("rows")
def test_a_pause_is_shown_until_it_is_over(okdrop: Callable[..., tuple[int, str, str]]) -> None:
    assert okdrop("pause") == (0, "paused; okdrop resume has it go on\n", "")
    assert re.match(r"paused since \S+Z: okdrop resume has it go on", okdrop("status")[1].splitlines()[0])
    assert json.loads(okdrop("status", "--json")[1])["by_hand"]["paused_since"].endswith("Z")
    assert okdrop("resume") == (0, "resumed\n", "")
    assert okdrop("resume") == (0, "nothing was paused\n", "")
    assert "paused" not in okdrop("status")[1]


@pytest.mark.usefixtures("rows")
def test_a_level_of_the_log_is_set_for_a_time_shown_and_taken_back(
    okdrop: Callable[..., tuple[int, str, str]],
) -> None:
    assert okdrop("log") == (0, "log: info, as configured\n", "")
    code, out, err = okdrop("log", "debug", "--for", "1h")
    assert (code, err) == (0, "")
    assert re.fullmatch(r"log: debug, set by hand since \S+Z until \S+Z; configured: info\n", out)
    told = json.loads(okdrop("log", "--json")[1])
    assert (told["level"], told["configured"], told["by_hand"]) == ("debug", "info", "debug")
    lasts = datetime.fromisoformat(told["until"]) - datetime.fromisoformat(told["since"])
    assert timedelta(0) < timedelta(hours=1) - lasts < timedelta(minutes=1)
    shown = okdrop("status")[1].splitlines()[-1]
    span = f"since {told['since']} until {told['until']}"
    assert shown == f"log: debug, set by hand {span}: okdrop log reset takes it back"
    by_hand = {name: told[name] for name in ("level", "since", "until")}
    assert json.loads(okdrop("status", "--json")[1])["by_hand"]["log"] == by_hand
    assert okdrop("log", "warning")[1].startswith("log: warning, set by hand since ")
    assert json.loads(okdrop("log", "--json")[1])["until"] is None
    assert okdrop("log", "reset") == (0, "log: info, as configured\n", "")
    assert "log:" not in okdrop("status")[1]

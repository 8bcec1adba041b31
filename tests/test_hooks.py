"""A hook may do what it likes: nobody is hurt, nothing of it is left, and what it said last is kept."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from okdrop import hooks
from okdrop.hooks import KEPT, Ran, run, surroundings

ENVIRONMENT = {b"PATH": os.fsencode(os.environ["PATH"])}


def ran(script: str, *, timeout: float = 30.0, document: bytes = b"{}", **more: Any) -> Ran:
    """Run a script of the shell, as an operator's own."""
    wanted: dict[str, Any] = {"stop": threading.Event(), "environment": ENVIRONMENT} | more
    return run(["/bin/sh", "-c", script], document=document, timeout=timeout, **wanted)


def is_alive(number: int) -> bool:
    """Whether a process is there and does anything yet."""
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in {"Z", "X"}


def until(condition: Any) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_it_is_told_is_on_its_standard_input() -> None:
    document = json.dumps({"path": "\udcff\n.mp4"}).encode()
    came = ran("cat", document=document)
    assert came == Ran(code=0, said="exit code 0", output=document.decode(), well=True)


def test_its_environment_is_what_it_is_given_and_nothing_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OKDROP_OK__ACCESS_TOKEN", "secret")
    given = ENVIRONMENT | {b"OKDROP_PATH": b"/a\xff\n.mp4"}
    came = run(
        [sys.executable, "-c", "import os; print(sorted(os.environb.items()))"],
        environment=given,
        document=b"",
        timeout=30.0,
        stop=threading.Event(),
    )
    assert "secret" not in came.output
    assert r"(b'OKDROP_PATH', b'/a\xff\n.mp4')" in came.output.replace("\\\\", "\\")


def test_of_our_environment_it_gets_where_programs_are_and_no_secret() -> None:
    environ = {
        "PATH": "/bin",
        "HOME": "/root",
        "LC_TIME": "C",
        "OKDROP_OK__ACCESS_TOKEN": "secret",
        "CREDENTIALS_DIRECTORY": "/run/credentials",
        "NOTIFY_SOCKET": "/run/notify",
        "http_proxy": "http://user:secret@proxy",
    }
    assert surroundings(environ) == {"PATH": "/bin", "HOME": "/root", "LC_TIME": "C"}
    assert surroundings({})["PATH"]


def test_one_that_reads_nothing_holds_nobody_up() -> None:
    assert ran("exec true", document=b"x" * 10_000_000).well


def test_its_exit_code_and_its_last_lines_are_kept() -> None:
    came = ran("echo first; echo last >&2; exit 7")
    assert (came.code, came.said, came.well, came.again) == (7, "exit code 7", False, False)
    assert came.output == "first\nlast"


def test_one_may_ask_to_be_run_again() -> None:
    assert ran("exit 75").again
    assert not ran("exit 75").well


def test_of_a_hundred_megabytes_the_last_bytes_are_kept() -> None:
    came = ran("head -c 100000000 /dev/zero | tr '\\0' x; echo end")
    assert came.well
    assert len(came.output) <= KEPT
    assert came.output.endswith("xxend")


def test_what_it_writes_is_escaped_where_it_is_no_text() -> None:
    assert ran(r"printf 'a\033[31m\377\tb\n'").output == r"a\x1b[31m\xff\tb"


def test_one_that_takes_too_long_is_ended() -> None:
    came = ran("echo begun; sleep 1000", timeout=0.3)
    assert came.code == -signal.SIGTERM
    assert "took longer than 0.3 s" in came.said
    assert came.output == "begun"
    assert not came.well
    assert not came.again


def test_one_that_heeds_no_signal_is_ended_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "GRACE", 0.3)
    came = ran("trap '' TERM HUP INT; echo deaf; while :; do sleep 1; done", timeout=0.3)
    assert came.code == -signal.SIGKILL
    assert came.output == "deaf"


def test_one_that_ends_well_once_its_time_is_over_is_not_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "GRACE", 10.0)
    came = ran("trap 'exit 0' TERM; while :; do sleep 0.05; done", timeout=0.3)
    assert came.code == 0
    assert not came.well


def test_a_child_that_keeps_its_output_open_holds_nobody_up_and_is_ended(tmp_path: Path) -> None:
    told = tmp_path / "child"
    came = ran(f"sleep 1000 & echo $! > {told}; echo parent")
    assert came == Ran(code=0, said="exit code 0", output="parent", well=True)
    until(lambda: not is_alive(int(told.read_text())))


def test_children_of_one_that_took_too_long_are_ended_with_it(tmp_path: Path) -> None:
    told = tmp_path / "child"
    ran(f"sleep 1000 & echo $! > {told}; wait", timeout=0.5)
    until(lambda: not is_alive(int(told.read_text())))


def test_when_we_are_asked_to_stop_it_is_ended_and_runs_again(tmp_path: Path) -> None:
    stop, begun = threading.Event(), tmp_path / "begun"

    def ask() -> None:
        until(begun.exists)
        stop.set()

    asking = threading.Thread(target=ask)
    asking.start()
    came = ran(f"touch {begun}; sleep 1000", stop=stop)
    asking.join()
    assert came.stopped
    assert came.code == -signal.SIGTERM


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["/nowhere/to/be/found"], "No such file"),
        (["/etc"], "Permission denied"),
        (["/bin/sh\0"], "no possible"),
    ],
)
def test_what_cannot_be_run_is_said(command: list[str], words: str) -> None:
    came = run(command, environment={}, document=b"", timeout=1.0, stop=threading.Event())
    assert came.code is None
    assert words in came.said
    assert not came.well
    assert not came.again


def test_no_descriptor_is_left_open() -> None:
    before = len([*Path("/proc/self/fd").iterdir()])
    for script in ("exit 0", "exit 3", "sleep 1000 &"):
        ran(script)
    run(["/nowhere"], environment={}, document=b"", timeout=1.0, stop=threading.Event())
    assert len([*Path("/proc/self/fd").iterdir()]) == before

"""Signals that come before anything was imported."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

ENTRY = """
import os, signal, sys
from okdrop.entry import heed_signals

heed_signals(sys.argv[2:])
assert "typer" not in sys.modules and "asyncio" not in sys.modules
os.kill(os.getpid(), getattr(signal, sys.argv[1]))
sys.exit(7)
"""


def code(script: str, *arguments: str) -> int:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, env=environment, timeout=60, check=False, capture_output=True).returncode


@pytest.mark.parametrize(
    ("command", "number", "expected"),
    [
        ("run", "SIGTERM", 0),
        ("run", "SIGINT", 0),
        ("run", "SIGHUP", 7),
        ("run --once", "SIGTERM", 0),
        ("run --once", "SIGHUP", -signal.SIGHUP),
        ("upload a.mp4", "SIGTERM", 0),
        ("upload a.mp4", "SIGINT", 130),
        ("upload a.mp4", "SIGHUP", -signal.SIGHUP),
        ("top", "SIGTERM", 0),
        ("top", "SIGINT", 0),
        ("status", "SIGTERM", -signal.SIGTERM),
        ("", "SIGHUP", -signal.SIGHUP),
    ],
)
def test_before_anything_was_begun_a_signal_does_what_the_command_says(
    command: str, number: str, expected: int
) -> None:
    assert code(ENTRY, number, *command.split()) == expected


CHILDREN = """
import signal, sys
from okdrop.entry import heed_signals

signal.signal(signal.SIGCHLD, signal.SIG_IGN)
heed_signals(sys.argv[1:])
import os, threading
from okdrop.hooks import run

ran = run(("/bin/true",), environment={}, document=b"", timeout=30.0, stop=threading.Event())
sys.exit(7 if ran.well else 1)
"""


@pytest.mark.parametrize("command", [["run"], ["run", "--once"], ["upload", "a.mp4"], ["explain"], []])
def test_how_a_child_ends_is_heard_though_whoever_started_us_had_that_ignored(command: list[str]) -> None:
    assert code(CHILDREN, *command) == 7


DOOR = """
import importlib.abc, os, runpy, signal, sys

class AtTheFirstCommand(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "okdrop.cli":
            os.kill(os.getpid(), getattr(signal, signal_name))

signal_name = sys.argv.pop(1)
sys.meta_path.insert(0, AtTheFirstCommand())
runpy.run_module("okdrop", run_name="__main__", alter_sys=True)
"""


def test_the_door_heeds_them_before_it_imports_the_commands() -> None:
    assert code(DOOR, "SIGTERM", "run") == 0
    assert code(DOOR, "SIGINT", "upload", "/no/such.mp4") == 130
    assert code(DOOR, "SIGHUP", "run", "--config", "/no/such.toml") == 2  # it went on to its own complaint

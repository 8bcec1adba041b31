"""A program that we start gets none of the capabilities that we were given."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from okdrop.inbox import ambient

GIVEN = ("setpriv", "--inh-caps", "+lease", "--ambient-caps", "+lease")
LEASE = 1 << 28

STARTS_ONE = """
import subprocess, sys, threading
from okdrop.inbox.ambient import keep_capabilities

def told(text):
    [words] = [line.split() for line in text.splitlines() if line.startswith("CapAmb")]
    return words[1]

if sys.argv[1] == "kept":
    keep_capabilities()
starts = lambda: print(told(subprocess.run(["cat", "/proc/self/status"], stdout=-1, text=True).stdout))
thread = threading.Thread(target=starts)
thread.start()
thread.join()
[mine] = [line for line in open("/proc/self/status") if line.startswith("CapEff")]
print(mine.split()[1])
"""


@pytest.mark.parametrize(("how", "passed_on"), [("kept", 0), ("passed", LEASE)])
def test_what_is_kept_is_passed_on_to_nobody_and_is_still_ours(how: str, passed_on: int) -> None:
    if shutil.which("setpriv") is None or subprocess.run([*GIVEN, "true"], check=False).returncode:
        pytest.skip("nobody may be given a capability here")
    done = subprocess.run(
        [*GIVEN, sys.executable, "-c", STARTS_ONE, how],
        env={"PYTHONPATH": str(Path(ambient.__file__).parents[2]), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    of_the_child, ours = (int(word, 16) for word in done.stdout.split())
    assert of_the_child == passed_on
    assert ours & LEASE


def test_it_may_be_said_again() -> None:
    ambient.keep_capabilities()
    ambient.keep_capabilities()

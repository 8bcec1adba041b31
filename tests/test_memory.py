"""What a table took while it grew is not kept for ever."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

KEPT = """
import sys
from okdrop.memory import give_back_what_is_large

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

if sys.argv[1] == "told":
    give_back_what_is_large()
large = 4 * 1024 * 1024
once = bytearray(b"x") * large
del once
before = resident()
tables, others = [], []
for _ in range(16):
    tables.append(bytearray(b"x") * large)
    others.append(bytearray(b"x") * 2000)
tables.clear()
print(resident() - before)
"""


def kept(told: str) -> int:
    """Bytes that a process keeps of 64 MiB of tables that it let go of."""
    run = subprocess.run([sys.executable, "-c", KEPT, told], capture_output=True, text=True, check=True)
    return int(run.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="of glibc's own making, and mending")
def test_large_blocks_go_back_to_the_kernel() -> None:
    assert kept("told") < 8 * 1024 * 1024 < kept("as it is")

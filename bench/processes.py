"""Processes under measurement: what they cost, as the kernel counts it."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT: Final = Path(__file__).parents[1]

_CPU_OF_A_PROCESS: Final = 2
"""CPUCLOCK_SCHED: the kind of clock that counts a process's time on a processor (clock_getcpuclockid(3))."""


class BenchError(Exception):
    """The benchmark cannot go on; the text says why, and what would do."""


def cpu_seconds(process: int) -> float:
    """What a living process has cost so far, user and system, to the nanosecond; ended threads too."""
    return time.clock_gettime((~process << 3) | _CPU_OF_A_PROCESS)


def peak_memory(process: int) -> int:
    """The most memory that a living process ever had in use, in bytes (proc(5), VmHWM)."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    if found is None:
        raise BenchError("/proc does not tell of VmHWM")
    return int(found[1]) * 1024


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a process cost from its start to its end.

    Args:
        seconds: by the clock.
        cpu: seconds on a processor, user and system.
        memory: bytes at most.
        out: what it wrote on standard output.
    """

    seconds: float
    cpu: float
    memory: int
    out: bytes = b""


def cost_of(command: Sequence[str | Path], *, environment: Mapping[str, str] | None = None) -> Cost:
    """Run a command to its end.

    Raises:
        BenchError: it failed; with what it complained of.
    """
    with contextlib.ExitStack() as stack:
        out_read, out_write = os.pipe()
        out = stack.enter_context(open(out_read, "rb"))  # noqa: PTH123  a descriptor has no path
        complaints = stack.enter_context(_scratch())
        began = time.monotonic()
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=out_write, stderr=complaints, cwd=ROOT
        )
        os.close(out_write)
        text = out.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - began
        if process.returncode:
            os.lseek(complaints, 0, os.SEEK_SET)
            said = os.read(complaints, 2000).decode("utf-8", "replace").strip()
            raise BenchError(f"{Path(str(command[0])).name} ended with {process.returncode}: {said}")
    cpu = usage.ru_utime + usage.ru_stime
    return Cost(seconds=seconds, cpu=cpu, memory=usage.ru_maxrss * 1024, out=text)


@contextlib.contextmanager
def _scratch() -> Iterator[int]:
    descriptor = os.memfd_create("complaints")
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def living(
    command: Sequence[str | Path], place: Path, *, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process for as long as the block lasts; its complaints go to `place`, its output is a pipe."""
    with place.open("ab") as complaints:
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            cwd=ROOT,
        )
    try:
        yield process
    finally:
        if process.stdin is not None:
            process.stdin.close()
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def python(*arguments: str | Path) -> list[str | Path]:
    """The command that runs this interpreter."""
    return [sys.executable, *arguments]


def program(name: str, package: str) -> str:
    """Where a program is.

    Raises:
        BenchError: it is not installed.
    """
    found = shutil.which(name)
    if found is None:
        raise BenchError(f"{name} is not installed: apt-get install {package}")
    return found

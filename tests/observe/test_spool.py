"""Nobody waits for who reads the log; what is lost is counted, and the rest stays in order."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import threading
from typing import TYPE_CHECKING

import pytest

from okdrop.observe.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import TextIO

LIMIT = 4000
LINES = 50_000  # far more than a pipe and a queue take


class Pipe:
    """A pipe, a spool that writes to it, and nobody who reads until asked to."""

    def __init__(self) -> None:
        self.reads, writes = os.pipe()
        self.stream: TextIO = open(writes, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - closed below
        self.spool = Spool(self.stream, limit=LIMIT)

    def stall(self) -> None:
        """Fill the pipe, and then the queue."""
        writes = self.stream.fileno()
        os.set_blocking(writes, False)
        with contextlib.suppress(BlockingIOError):
            while os.write(writes, b"\n"):
                pass
        os.set_blocking(writes, True)
        while self.spool._full is None:
            self.spool.write("too much\n")

    def written(self) -> str:
        """Read until the spool has written all and was closed."""
        ends = threading.Thread(target=self._end)
        ends.start()
        text = b"".join(iter(lambda: os.read(self.reads, 65536), b""))
        ends.join()
        return text.decode()

    def _end(self) -> None:
        self.spool.close(within=60)
        self.stream.close()


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    os.close(pipe.reads)


def test_a_reader_that_stalls_holds_nobody_up_and_what_is_lost_is_counted_in_its_place(pipe: Pipe) -> None:
    for number in range(LINES):
        print(f"line {number}", file=pipe.spool, flush=True)
    numbers: list[int] = []
    for line in pipe.written().splitlines():
        if (lost := re.match(r"okdrop: (\d+) lines of the log were lost here", line)) is not None:
            assert numbers[-1] + int(lost[1]) < LINES
            numbers.extend(range(numbers[-1] + 1, numbers[-1] + 1 + int(lost[1])))
        else:
            numbers.append(int(line.removeprefix("line ")))
    assert numbers == [*range(LINES)]


def test_once_the_reader_is_back_all_is_told_again(pipe: Pipe) -> None:
    pipe.stall()
    seen = b""
    while not seen.endswith(b"could not be written\n"):
        seen += os.read(pipe.reads, 65536)
    pipe.spool.write("news\n")
    assert pipe.written().splitlines() == ["news"]
    assert seen.count(b"lost here") == 1


def test_the_end_does_not_wait_for_ever(pipe: Pipe) -> None:
    pipe.stall()
    assert pipe.spool.close(within=0.01) is pipe.stream
    assert pipe.spool._thread.is_alive()  # it hangs, and nobody waits
    pipe.written()


def test_a_descriptor_that_somebody_made_non_blocking_loses_nothing(pipe: Pipe) -> None:
    os.set_blocking(pipe.stream.fileno(), False)
    text = "x" * 200_000 + "\n"  # more than a pipe takes at once
    pipe.spool.write(text)
    assert pipe.written() == text


def test_pieces_of_a_line_are_one_line() -> None:
    stream = io.StringIO()
    spool = Spool(stream)
    for piece in ("on", "e\ntw", "o\nthr"):
        spool.write(piece)
    spool.flush()
    assert spool.close() is stream
    assert stream.getvalue() == "one\ntwo\nthr"
    assert not spool._thread.is_alive()


def test_what_no_encoding_takes_is_written_escaped(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w", encoding="ascii") as stream:
        spool = Spool(stream)
        spool.write("Закат \udcff\n")
        spool.close()
    assert (tmp_path / "log").read_text() == "\\u0417\\u0430\\u043a\\u0430\\u0442 \\udcff\n"


def test_lines_that_a_full_disk_did_not_take_are_counted_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line gets onto the disk in part, and the next not at all; then there is room again."""
    write, rooms = os.write, [100, 2, 0, 0]

    def filling(descriptor: int, raw: bytes | memoryview) -> int:
        room = rooms.pop(0) if rooms else 100
        if not room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, bytes(raw[:room]))

    monkeypatch.setattr(os, "write", filling)
    with (tmp_path / "log").open("w") as stream:
        spool = Spool(stream)
        spool.lost_line = lambda lines: f"{lines} lost\n"
        for line in ("the first", "torn", "lost", "the last"):
            print(line, file=spool)
        spool.close()
    assert (tmp_path / "log").read_text().splitlines() == ["the first", "to", "2 lost", "the last"]

import asyncio
import socket
import struct

import pytest

from okdrop.client import progress
from okdrop.client.progress import Line, Watchdog


def dog() -> Watchdog:
    return Watchdog(stall_timeout=10, answer_timeout=100)


def test_bytes_that_are_acknowledged_keep_it_alive_for_ever() -> None:
    watch = dog()
    assert all(watch.judge(Line(n, empty=False), all_handed=False, now=n * 9.9) is None for n in range(1000))


def test_bytes_that_should_leave_and_do_not_are_a_stall() -> None:
    watch = dog()
    assert watch.judge(Line(5, empty=False), all_handed=False, now=0) is None
    assert watch.judge(Line(5, empty=False), all_handed=False, now=9.9) is None
    assert "stalled" in (watch.judge(Line(5, empty=False), all_handed=True, now=10) or "")


def test_a_queue_that_is_empty_for_want_of_bytes_is_nobodys_fault() -> None:
    watch = dog()
    assert all(watch.judge(Line(5, empty=True), all_handed=False, now=n * 60.0) is None for n in range(9))
    assert watch.judge(Line(5, empty=False), all_handed=False, now=485) is None


def test_the_answer_has_a_patience_of_its_own() -> None:
    watch = dog()
    assert watch.judge(Line(5, empty=False), all_handed=True, now=0) is None
    assert watch.judge(Line(5, empty=True), all_handed=True, now=9) is None
    assert watch.judge(Line(5, empty=True), all_handed=True, now=108) is None
    assert "no answer" in (watch.judge(Line(5, empty=True), all_handed=True, now=109) or "")


SHUT = Line(5, empty=False, window=0, full=True)


def given_up_after(watch: Watchdog, line: Line) -> float:
    """Seconds until the watch has had enough of a line that stays as it is."""
    now = 0.0
    while watch.judge(line, all_handed=False, now=now) is None:
        now += 0.5
        assert now < 1000
    return now


@pytest.mark.parametrize(
    ("window", "seconds"),
    [(0, 10), (1460, 10), (32 * 1024, 32), (64 * 1024, 64), (6 << 20, 80)],
)
def test_a_full_buffer_has_the_time_that_a_slow_reader_needs(window: int, seconds: float) -> None:
    watch = dog()
    watch.see(Line(0, empty=True, window=window))
    assert given_up_after(watch, SHUT) == seconds


def test_nobody_is_waited_for_longer_than_for_an_answer_nor_shorter_than_for_a_stall() -> None:
    for stall, answer, seconds in ((10, 20, 20), (10, 1, 10)):
        watch = Watchdog(stall_timeout=stall, answer_timeout=answer)
        watch.see(Line(0, empty=True, window=6 << 20))
        assert given_up_after(watch, SHUT) == seconds


def test_a_kernel_that_does_not_answer_has_no_such_time() -> None:
    watch = dog()
    watch.see(Line(0, empty=True, window=64 * 1024))
    assert given_up_after(watch, Line(5, empty=False, window=0, full=False)) == 10


@pytest.mark.parametrize(("timeout", "interval"), [(0.01, 0.05), (2, 0.5), (30, 1.0)])
def test_looks_are_few(timeout: float, interval: float) -> None:
    assert Watchdog(stall_timeout=timeout, answer_timeout=60).interval == interval


@pytest.mark.parametrize("kernel", [True, False])
async def test_a_look_tells_what_the_other_side_acknowledged(
    monkeypatch: pytest.MonkeyPatch, *, kernel: bool
) -> None:
    """By TCP_INFO where there is one, by what left our own buffer elsewhere."""
    if not kernel:
        monkeypatch.setattr(progress, "_TCP_INFO", None)
    arrived = asyncio.Event()

    async def read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(5)
        arrived.set()
        writer.close()

    server = await asyncio.start_server(read, "127.0.0.1", 0)
    async with server:
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        before = progress.look(writer.transport, 0)
        writer.write(b"12345")
        await arrived.wait()
        after = progress.look(writer.transport, 5)
        writer.close()
    assert before.empty
    assert after.empty
    assert after.acknowledged - before.acknowledged == 5


def test_a_short_tcp_info_is_not_read_past_its_end() -> None:
    assert struct.calcsize("=I") + progress._NOTSENT == progress._LENGTH
    assert struct.calcsize("=I") + progress._WINDOW == progress._LENGTH_WITH_WINDOW


async def test_an_older_kernel_does_not_tell_of_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    real = progress._tcp_info
    monkeypatch.setattr(progress, "_tcp_info", lambda transport: (real(transport) or b"")[: progress._LENGTH])

    async def hangs_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(hangs_up, "127.0.0.1", 0) as server:
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        line = progress.look(writer.transport, 0)
        writer.close()
    assert line == Line(line.acknowledged, empty=True)


async def test_a_look_tells_that_the_other_sides_buffer_is_full() -> None:
    """His kernel answers all the while; he reads on, and it is full no more."""
    reads, taken = asyncio.Event(), asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await reads.wait()
        writer.transport.resume_reading()  # type: ignore[attr-defined]
        await reader.readexactly(1 << 20)
        taken.set()
        writer.close()

    server = await asyncio.start_server(slow, "127.0.0.1", 0)
    server.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    async with server, asyncio.timeout(10):
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        before = progress.look(writer.transport, 0)
        writer.write(b"x" * (1 << 20))
        while not (shut := progress.look(writer.transport, 1 << 20)).full:  # noqa: ASYNC110 - the kernel's word
            await asyncio.sleep(0.01)
        reads.set()
        await taken.wait()
        after = progress.look(writer.transport, 1 << 20)
        writer.close()
    assert not before.full
    assert before.window
    assert (shut.empty, after.full) == (False, False)

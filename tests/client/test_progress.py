import asyncio
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

import asyncio
import contextlib
import signal
import socket
import sys
import tracemalloc
from collections.abc import AsyncIterator, Callable

import pytest

from okdrop.client import Client
from okdrop.client.body import SegmentBody
from okdrop.drop import Mode, Ticket
from okdrop.errors import GaveUp, LocalProtocolError, SourceChanged
from okdrop.protocol.messages import (
    Account,
    Complete,
    Form,
    Held,
    NoAnswer,
    NothingYet,
    RangeRefused,
    SegmentAnswer,
    Stored,
    UrlDead,
)
from okdrop.protocol.ranges import ByteRange, ByteRanges
from scripted import LOOPBACK_PEM, NOW, Connect, Serve, Talk

KIB = 1024

DEAF = """
import socket, ssl, sys
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
listener.bind(("127.0.0.1", 0))
listener.listen()
print(listener.getsockname()[1], flush=True)
line, _ = listener.accept()
if sys.argv[1] == "1":
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2])
    line = context.wrap_socket(line, server_side=True)
line.recv(65536)
print("begun", flush=True)
while line.recv(65536):
    pass
"""
"""A server that reads as long as it lives, and answers nothing; it says when the request has begun."""


async def blocks_of(data: bytes, size: int = 64 * KIB) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def endless(size: int) -> AsyncIterator[bytes]:
    """`size` bytes, made as they are asked for."""
    block = b"x" * (64 * KIB)
    for start in range(0, size, len(block)):
        yield block[: size - start]


async def post(
    client: Client,
    ticket: Ticket,
    blocks: AsyncIterator[bytes],
    size: int,
    *,
    mode: Mode | None = Mode.PARALLEL,
    sent: Callable[[int], None] = lambda _: None,
) -> SegmentAnswer:
    return await client.send(
        ticket,
        ByteRange(0, size),
        total=2 * size,
        mode=mode,
        file_name='Кот "1"\r\n.mp4',
        blocks=blocks,
        sent=sent,
    )


async def test_a_segment_arrives_whole_and_its_account_comes_back(serve: Serve, connect: Connect) -> None:
    data = bytes(range(256)) * 2000
    seen: list[tuple[Talk, bytes]] = []

    async def script(talk: Talk) -> None:
        seen.append((talk, await talk.body()))
        await talk.answer(201, f"0-{len(data) - 1}/{2 * len(data)}".encode())

    counted: list[int] = []
    async with serve(script) as server, connect() as client:
        answer = await post(client, server.ticket(), blocks_of(data), len(data), sent=counted.append)
        again = await post(client, server.ticket(), blocks_of(data), len(data), mode=Mode.SEQUENTIAL)
    assert answer == again == Stored(Account(ByteRanges.prefix(len(data))))
    assert sum(counted) == len(data)
    assert server.connections == 1, "the connection is kept"
    (talk, body), (second, _) = seen
    assert body == data
    assert talk.header("Content-Range") == f"bytes 0-{len(data) - 1}/{2 * len(data)}"
    assert talk.header("X-Uploading-Mode") == "parallel"
    assert second.header("X-Uploading-Mode") is None
    assert talk.header("Transfer-Encoding") is None
    assert talk.header("Accept-Encoding") == "identity"
    assert talk.header("Cookie") is None
    assert talk.header("Content-Type") == "application/x-binary; charset=x-user-defined"
    assert "%22" in (talk.header("Content-Disposition") or "")


@pytest.mark.parametrize(
    "query",
    ["sig=a%2Fb%2fc%20d+e=&x=%7E~%zz&y", "a=1&a=1;b=[]{}|&expires=1%3A2", "q=%D0%9A%d0%9a&sig=%25%2B"],
)
async def test_the_upload_url_goes_out_byte_for_byte(serve: Serve, connect: Connect, query: str) -> None:
    lines: list[str] = []

    async def script(talk: Talk) -> None:
        lines.append(talk.request_line)
        await talk.body()
        await talk.answer()

    async with serve(script) as server, connect() as client:
        await client.probe(server.ticket(query), total=8)
        await post(client, server.ticket(query), blocks_of(b"12345678"), 8)
    assert lines == [f"GET /upload.do?{query} HTTP/1.1", f"POST /upload.do?{query} HTTP/1.1"]


async def test_redirects_are_not_followed_and_cookies_not_kept(serve: Serve, connect: Connect) -> None:
    cookies: list[str | None] = []

    async def script(talk: Talk) -> None:
        cookies.append(talk.header("Cookie"))
        await talk.answer(302, Location="/elsewhere", Set_Cookie="a=b")

    async with serve(script) as server, connect(upload_hosts=("localhost",)) as client:
        # By its name: cookies of a bare address are dropped by any jar.
        url = f"http://localhost:{server.port}/upload.do"
        ticket = Ticket(video_id="7", upload_url=url, issued_at=NOW)
        for _ in range(2):
            answer = await client.probe(ticket, total=8)
            assert getattr(answer, "status", None) == 302
    assert cookies == [None, None]


async def test_a_probe_reads_the_account_in_the_header(serve: Serve, connect: Connect) -> None:
    async def script(talk: Talk) -> None:
        await talk.answer(200, Range="0-4/8", X_Uploading=talk.header("X-Uploading-Mode") or "")

    async with serve(script) as server, connect() as client:
        answer = await client.probe(server.ticket(), total=8)
    assert answer == Held(Account(ByteRanges.prefix(5)))


async def test_nobody_listening_is_no_answer_and_nothing_sent(connect: Connect) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        ticket = Ticket(video_id="7", upload_url=f"http://127.0.0.1:{port}/?sig=x", issued_at=NOW)
        async with connect() as client:
            assert await client.probe(ticket, total=8) == NoAnswer("the host cannot be reached", sent=False)
            answer = await post(client, ticket, blocks_of(b"12345678"), 8)
    assert answer == NoAnswer("the host cannot be reached", sent=False)


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (403, {"X_Reason": "expired"}, UrlDead(403, "expired")),
        (416, {"X_Last_Known_Byte": "9"}, RangeRefused(Account(ByteRanges.prefix(10), Form.LAST_BYTE))),
    ],
)
async def test_an_early_refusal_is_taken_and_the_rest_not_sent(
    serve: Serve, connect: Connect, status: int, headers: dict[str, str], expected: SegmentAnswer
) -> None:
    async def script(talk: Talk) -> None:
        await talk.answer(status, **headers)
        with contextlib.suppress(ConnectionError):
            while await talk.reader.read(KIB):
                pass

    counted: list[int] = []
    size = 64 * KIB * KIB
    async with serve(script, buffer=8 * KIB) as server, connect() as client:
        answer = await post(client, server.ticket(), endless(size), size, sent=counted.append)
    assert answer == expected
    assert sum(counted) < size


async def test_a_refusal_by_a_server_that_hangs_up_at_once_is_taken(serve: Serve, connect: Connect) -> None:
    async def script(talk: Talk) -> None:
        await talk.reader.readexactly(64 * KIB)
        await talk.answer(403)
        talk.writer.close()

    size = 64 * KIB * KIB
    async with serve(script, buffer=8 * KIB) as server, connect() as client:
        answer = await post(client, server.ticket(), endless(size), size)
    assert answer == UrlDead(403)


async def test_an_early_success_is_not_believed(serve: Serve, connect: Connect) -> None:
    async def script(talk: Talk) -> None:
        await talk.answer(201)
        await talk.reader.read(-1)

    size = 64 * KIB * KIB
    async with serve(script, buffer=8 * KIB) as server, connect() as client:
        answer = await post(client, server.ticket(), endless(size), size)
    assert isinstance(answer, NoAnswer)


async def test_a_cut_while_sending_is_no_answer(serve: Serve, connect: Connect) -> None:
    async def script(talk: Talk) -> None:
        await talk.reader.readexactly(KIB)
        talk.writer.transport.abort()

    size = 16 * KIB * KIB
    async with serve(script) as server, connect() as client:
        answer = await post(client, server.ticket(), endless(size), size)
    assert isinstance(answer, NoAnswer)
    assert answer.sent


@pytest.mark.parametrize("error", [SourceChanged("it changed"), GaveUp("gone"), ZeroDivisionError()])
@pytest.mark.parametrize("after", [0, 3])
async def test_what_the_source_raises_comes_through_and_cuts_the_request(
    serve: Serve, connect: Connect, error: Exception, after: int
) -> None:
    got: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def script(talk: Talk) -> None:
        try:
            await talk.body()
            got.set_result(-1)
        except (asyncio.IncompleteReadError, ConnectionError) as cut:
            got.set_result(len(getattr(cut, "partial", b"")))

    async def failing() -> AsyncIterator[bytes]:
        for _ in range(after):
            yield b"x" * KIB
        raise error

    async with serve(script) as server, connect() as client:
        with pytest.raises(type(error)) as raised:
            await post(client, server.ticket(), failing(), 10 * KIB)
        assert raised.value is error
        if after:
            assert 0 <= await got < 10 * KIB


@pytest.mark.parametrize(("count", "block"), [(9, 1), (9, 9), (0, 1), (11, 11), (12, 4)])
async def test_a_source_of_another_length_is_never_sent_as_a_whole(
    serve: Serve, connect: Connect, count: int, block: int
) -> None:
    whole: list[bytes] = []

    async def script(talk: Talk) -> None:
        whole.append(await talk.body())
        await talk.answer(200)

    async with serve(script) as server, connect() as client:
        with pytest.raises(LocalProtocolError):
            await post(client, server.ticket(), blocks_of(b"x" * count, block), 10)
    assert whole == []


async def test_a_server_that_stops_reading_is_stalled(serve: Serve, connect: Connect) -> None:
    async def script(talk: Talk) -> None:
        talk.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.Event().wait()

    size = 64 * KIB * KIB
    async with serve(script, buffer=8 * KIB) as server, connect(stall_timeout=0.4) as client:
        answer = await asyncio.wait_for(post(client, server.ticket(), endless(size), size), 8)
    assert answer == NoAnswer("stalled: no byte was acknowledged", sent=True, timed_out=True)


@pytest.mark.parametrize("tls", [False, True])
async def test_a_process_that_is_stopped_is_stalled(connect: Connect, *, tls: bool) -> None:
    """Its kernel takes bytes until the buffer is full, and answers for ever after."""
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DEAF, str(int(tls)), LOOPBACK_PEM, stdout=asyncio.subprocess.PIPE
    )
    assert server.stdout is not None
    try:
        port = int(await server.stdout.readline())
        scheme = "https" if tls else "http"
        ticket = Ticket(video_id="7", upload_url=f"{scheme}://127.0.0.1:{port}/u?sig=x", issued_at=NOW)
        size = 64 * KIB * KIB
        async with connect(stall_timeout=0.3, ca_file=str(LOOPBACK_PEM)) as client:
            sending = asyncio.create_task(post(client, ticket, endless(size), size))
            assert await server.stdout.readline() == b"begun\n"
            server.send_signal(signal.SIGSTOP)
            answer = await asyncio.wait_for(sending, 20)
        assert answer == NoAnswer("stalled: no byte was acknowledged", sent=True, timed_out=True)
    finally:
        server.kill()
        await server.wait()


@pytest.mark.parametrize("tls", [False, True])
async def test_two_kilobytes_a_second_are_never_given_up(
    serve: Serve, connect: Connect, *, tls: bool
) -> None:
    """The reader's kernel is silent for seconds at a time, longer than `stall_timeout`."""
    size = 24 * KIB

    async def script(talk: Talk) -> None:
        left = size
        while left:
            left -= len(await talk.reader.read(min(left, 256)))
            await asyncio.sleep(0.125)  # 2048 bytes a second
        await talk.answer(201)

    async with (
        serve(script, tls=tls, buffer=8 * KIB, limit=2 * KIB) as server,
        connect(stall_timeout=1.0, answer_timeout=30.0, ca_file=str(LOOPBACK_PEM)) as client,
    ):
        assert await post(client, server.ticket(), endless(size), size) == Stored()


async def test_a_server_that_never_answers_uses_up_the_other_patience(serve: Serve, connect: Connect) -> None:
    async def script(talk: Talk) -> None:
        await talk.body()
        await asyncio.Event().wait()

    async with serve(script) as server, connect(answer_timeout=0.4) as client:
        answer = await asyncio.wait_for(post(client, server.ticket(), endless(KIB), KIB), 8)
    assert answer == NoAnswer("no answer after the last byte left", sent=True, timed_out=True)


@pytest.mark.parametrize("tls", [False, True])
async def test_a_slow_line_is_not_stalled(serve: Serve, connect: Connect, tls: bool) -> None:  # noqa: FBT001  a parameter
    """Longer in all than the timeout, with progress all the while."""
    size = 640 * KIB

    async def script(talk: Talk) -> None:
        left = size
        while left:
            left -= len(await talk.reader.read(min(left, 16 * KIB)))
            await asyncio.sleep(0.05)  # the slow line itself
        await talk.answer(201)

    async with (
        serve(script, tls=tls, buffer=8 * KIB) as server,
        connect(stall_timeout=0.6, answer_timeout=4.0, ca_file=str(LOOPBACK_PEM)) as client,
    ):
        begun = asyncio.get_running_loop().time()
        answer = await post(client, server.ticket(), endless(size), size)
        took = asyncio.get_running_loop().time() - begun
    assert answer == Stored()
    assert took > 1.2


async def test_a_source_that_is_held_back_is_not_stalled(serve: Serve, connect: Connect) -> None:
    async def script(talk: Talk) -> None:
        await talk.body()
        await talk.answer(200)

    async def held_back() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.sleep(1.0)  # a bandwidth limit
        yield b"x"

    async with serve(script) as server, connect(stall_timeout=0.3, answer_timeout=0.3) as client:
        assert await post(client, server.ticket(), held_back(), 2) == Complete()


async def test_a_connection_that_closed_by_itself_can_be_dropped_still(serve: Serve) -> None:
    """Closed while bytes were waiting, gone once they had left: asyncio's transport bears no abort then."""
    goes_on = asyncio.Event()

    async def script(talk: Talk) -> None:
        await goes_on.wait()
        await talk.reader.read(-1)

    async with serve(script, buffer=8 * KIB) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        body = SegmentBody(blocks_of(b""), 1, lambda _: None)
        body._transport = writer.transport
        writer.write(b"POST / HTTP/1.1\r\n\r\n" + b"x" * (16 * KIB * KIB))
        writer.close()
        assert writer.transport.get_write_buffer_size()
        goes_on.set()
        await writer.wait_closed()
        body.abort()
        assert reader.at_eof()


async def test_a_cancelled_send_lets_go_of_the_source(serve: Serve, connect: Connect) -> None:
    reading = asyncio.Event()
    closed: list[bool] = []

    async def script(talk: Talk) -> None:
        await talk.reader.readexactly(1)
        reading.set()
        await asyncio.Event().wait()

    async def source() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x" * (64 * KIB)
        finally:
            closed.append(True)

    size = 64 * KIB * KIB
    async with serve(script, buffer=8 * KIB) as server, connect() as client:
        task = asyncio.create_task(post(client, server.ticket(), source(), size))
        await reading.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert closed == [True]


async def test_a_segment_is_never_in_memory_as_a_whole(serve: Serve, connect: Connect) -> None:
    size = 32 * KIB * KIB

    async def script(talk: Talk) -> None:
        left = size
        while left:
            left -= len(await talk.reader.read(64 * KIB))
        await talk.answer(200)

    async with serve(script) as server, connect() as client:
        tracemalloc.start()
        try:
            assert await post(client, server.ticket(), endless(size), size) == Complete()
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 4 * KIB * KIB


async def test_certificates_are_verified_always(serve: Serve, connect: Connect) -> None:
    async def script(talk: Talk) -> None:
        await talk.answer(404)

    async with serve(script, tls=True) as server:
        async with connect() as client:
            answer = await client.probe(server.ticket(), total=8)
        assert answer == NoAnswer("the TLS certificate cannot be verified", sent=False)
        async with connect(ca_file=str(LOOPBACK_PEM)) as client:
            assert await client.probe(server.ticket(), total=8) == NothingYet()


async def test_an_endless_answer_is_not_read(serve: Serve, connect: Connect) -> None:
    async def script(talk: Talk) -> None:
        await talk.answer(200, b"1" * (2 << 20))

    async with serve(script) as server, connect() as client:
        answer = await client.probe(server.ticket(), total=8)
    assert answer == NoAnswer("the answer is too long", sent=False)


async def test_a_source_that_ends_late_does_not_cost_the_connection(serve: Serve, connect: Connect) -> None:
    answered = asyncio.Event()

    async def script(talk: Talk) -> None:
        await talk.body()
        await talk.answer(201)
        answered.set()

    async def lingering() -> AsyncIterator[bytes]:
        yield b"x"
        await answered.wait()

    async with serve(script) as server, connect() as client:
        for _ in range(3):
            answered.clear()
            assert await post(client, server.ticket(), lingering(), 1) == Stored()
    assert server.connections == 1


async def test_a_proxy_gets_the_whole_url_as_it_was_signed(serve: Serve, connect: Connect) -> None:
    lines: list[str] = []

    async def script(talk: Talk) -> None:
        lines.append(talk.request_line)
        await talk.answer(404)

    ticket = Ticket(video_id="7", upload_url="http://127.0.0.1:9/u?sig=a%2Fb%20c", issued_at=NOW)
    async with serve(script) as proxy, connect(proxy=proxy.url) as client:
        assert await client.probe(ticket, total=8) == NothingYet()
    assert lines == [f"GET {ticket.upload_url} HTTP/1.1"]


async def test_a_listed_name_is_needed_before_a_connection(serve: Serve, connect: Connect) -> None:
    async def script(talk: Talk) -> None:
        await talk.answer(200)

    async with serve(script) as server, connect(upload_hosts=("*.okcdn.ru",)) as client:
        for call in (
            client.probe(server.ticket(), total=8),
            post(client, server.ticket(), blocks_of(b"12345678"), 8),
        ):
            with pytest.raises(GaveUp) as raised:
                await call
            assert raised.value.code == "upload_host_refused"
    assert server.connections == 0

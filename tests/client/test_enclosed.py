"""A whole file in one request, over real sockets, as an independent parser reads it."""

import asyncio
import contextlib
import email.message
import email.parser
import email.policy
import tracemalloc
from collections.abc import AsyncIterator, Callable

import pytest

from client.test_uploads import blocks_of, endless
from okdrop.client import Client
from okdrop.drop import Ticket
from okdrop.errors import GaveUp, LocalProtocolError, SourceChanged
from okdrop.protocol.messages import Complete, FileAnswer, NoAnswer, ServerTrouble, UrlDead
from scripted import SIGNATURE, Connect, Serve, Talk

KIB = 1024
LARGE = 64 * KIB * KIB


async def post(
    client: Client,
    ticket: Ticket,
    blocks: AsyncIterator[bytes],
    size: int,
    *,
    name: str = "a.mp4",
    sent: Callable[[int], None] = lambda _: None,
) -> FileAnswer:
    return await client.send_file(ticket, size=size, file_name=name, blocks=blocks, sent=sent)


def parsed(talk: Talk, body: bytes) -> email.message.Message:
    """The one part of a request's form."""
    head = f"Content-Type: {talk.header('Content-Type')}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    (part,) = message.get_payload()
    assert isinstance(part, email.message.Message)
    return part


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("a.mp4", "a.mp4"),
        ('Кот "1"\r\nX-Evil: 1\r\n\r\n.mp4', "Кот %221%22%0D%0AX-Evil: 1%0D%0A%0D%0A.mp4"),
        ("a\\", "a%5C"),
        ("\udcff\0.mp4", "%3F%00.mp4"),
        ("\U0001f600" * 63, "\U0001f600" * 63),
    ],
)
async def test_a_file_arrives_whole_under_its_name(
    serve: Serve, connect: Connect, name: str, written: str
) -> None:
    data = bytes(range(256)) * 2000 + b"\r\n--\r\n"
    seen: list[tuple[Talk, bytes]] = []

    async def script(talk: Talk) -> None:
        seen.append((talk, await talk.body()))
        await talk.answer(200, b"<retval>1</retval>")

    counted: list[int] = []
    async with serve(script) as server, connect() as client:
        for _ in range(2):
            answer = await post(
                client, server.ticket(), blocks_of(data), len(data), name=name, sent=counted.append
            )
            assert answer == Complete()
    assert server.connections == 1, "the connection is kept"
    assert sum(counted) == 2 * len(data), "the file's bytes are counted, the form's are not"
    for talk, body in seen:
        part = parsed(talk, body)
        assert part.get_payload(decode=True) == data
        disposition = f'form-data; name="data"; filename="{written}"'
        assert disposition.encode() in body.split(b"\r\n", 2)[1]
        assert talk.header("Transfer-Encoding") is None
        assert talk.header("Content-Range") is None
        assert talk.header("X-Uploading-Mode") is None
        assert talk.header("Cookie") is None
        assert SIGNATURE.encode() not in body
        assert SIGNATURE not in talk.head.partition("\r\n")[2]


async def test_the_upload_url_goes_out_byte_for_byte(serve: Serve, connect: Connect) -> None:
    lines: list[str] = []

    async def script(talk: Talk) -> None:
        lines.append(talk.request_line)
        await talk.body()
        await talk.answer(302, Location="/elsewhere")

    query = "sig=a%2Fb%2fc%20d+e=&x=%7E~%zz&y"
    async with serve(script) as server, connect() as client:
        answer = await post(client, server.ticket(query), blocks_of(b"12345678"), 8)
    assert getattr(answer, "status", None) == 302, "and no redirect is followed"
    assert lines == [f"POST /upload.do?{query} HTTP/1.1"]


async def test_an_early_refusal_is_taken_and_the_rest_not_sent(serve: Serve, connect: Connect) -> None:
    async def script(talk: Talk) -> None:
        await talk.answer(403, X_Reason="expired")
        with contextlib.suppress(ConnectionError):
            while await talk.reader.read(KIB):
                pass

    counted: list[int] = []
    async with serve(script, buffer=8 * KIB) as server, connect() as client:
        answer = await post(client, server.ticket(), endless(LARGE), LARGE, sent=counted.append)
    assert answer == UrlDead(403, "expired")
    assert sum(counted) < LARGE


async def test_an_early_success_is_not_believed(serve: Serve, connect: Connect) -> None:
    async def script(talk: Talk) -> None:
        await talk.answer(200, b"<retval>1</retval>")
        await talk.reader.read(-1)

    async with serve(script, buffer=8 * KIB) as server, connect() as client:
        answer = await post(client, server.ticket(), endless(LARGE), LARGE)
    assert isinstance(answer, NoAnswer)
    assert answer.sent


async def test_a_cut_while_sending_is_no_answer(serve: Serve, connect: Connect) -> None:
    async def script(talk: Talk) -> None:
        await talk.reader.readexactly(100 * KIB)
        talk.writer.transport.abort()

    async with serve(script) as server, connect() as client:
        answer = await post(client, server.ticket(), endless(LARGE), LARGE)
    assert isinstance(answer, NoAnswer)
    assert answer.sent


async def test_a_lost_answer_is_no_answer(serve: Serve, connect: Connect) -> None:
    async def script(talk: Talk) -> None:
        await talk.body()
        talk.writer.transport.abort()

    counted: list[int] = []
    async with serve(script) as server, connect() as client:
        answer = await post(client, server.ticket(), blocks_of(b"12345678"), 8, sent=counted.append)
    assert isinstance(answer, NoAnswer)
    assert answer.sent
    assert sum(counted) == 8


async def test_nobody_listening_is_nothing_sent(serve: Serve, connect: Connect) -> None:
    async def script(talk: Talk) -> None:
        raise AssertionError(talk)

    async with serve(script) as server:
        ticket = server.ticket()
    async with connect() as client:
        answer = await post(client, ticket, blocks_of(b"12345678"), 8)
    assert answer == NoAnswer("the host cannot be reached", sent=False)


@pytest.mark.parametrize("stalls", ["body", "answer"])
async def test_it_is_watched_as_a_segment_is(serve: Serve, connect: Connect, stalls: str) -> None:
    size = LARGE if stalls == "body" else KIB

    async def script(talk: Talk) -> None:
        if stalls == "body":
            talk.writer.transport.pause_reading()  # type: ignore[attr-defined]
        else:
            await talk.body()
        await asyncio.Event().wait()

    patience = {"stall_timeout": 0.4, "answer_timeout": 0.4}
    async with serve(script, buffer=8 * KIB) as server, connect(**patience) as client:
        answer = await asyncio.wait_for(post(client, server.ticket(), endless(size), size), 8)
    said = "stalled: no byte was acknowledged" if stalls == "body" else "no answer after the last byte left"
    assert answer == NoAnswer(said, sent=True, timed_out=True)


@pytest.mark.parametrize(("count", "block"), [(9, 1), (9, 9), (0, 1), (11, 11), (12, 4)])
async def test_a_source_of_another_length_is_never_a_whole_form(
    serve: Serve, connect: Connect, count: int, block: int
) -> None:
    """Nor is the form closed: a reader that goes by boundaries takes no part of a file for the whole."""
    got: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def script(talk: Talk) -> None:
        try:
            got.set_result(await talk.body())
        except asyncio.IncompleteReadError as cut:
            got.set_result(cut.partial)
        except ConnectionError:
            got.set_result(b"")

    async with serve(script) as server, connect() as client:
        with pytest.raises(LocalProtocolError):
            await post(client, server.ticket(), blocks_of(b"x" * count, block), 10)
        assert not (await got).endswith(b"--\r\n")


@pytest.mark.parametrize("error", [SourceChanged("it changed"), GaveUp("gone"), ZeroDivisionError()])
async def test_what_the_source_raises_comes_through_and_cuts_the_request(
    serve: Serve, connect: Connect, error: Exception
) -> None:
    closed: list[bool] = []

    async def script(talk: Talk) -> None:
        await talk.body()
        raise AssertionError(talk)

    async def failing() -> AsyncIterator[bytes]:
        try:
            yield b"x" * KIB
            raise error
        finally:
            closed.append(True)

    async with serve(script) as server, connect() as client:
        with pytest.raises(type(error)) as raised:
            await post(client, server.ticket(), failing(), 10 * KIB)
    assert raised.value is error
    assert closed == [True]


async def test_a_cancelled_send_lets_go_of_the_source(serve: Serve, connect: Connect) -> None:
    reading = asyncio.Event()
    closed: list[bool] = []

    async def script(talk: Talk) -> None:
        await talk.reader.readexactly(100 * KIB)
        reading.set()
        await asyncio.Event().wait()

    async def source() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x" * (64 * KIB)
        finally:
            closed.append(True)

    async with serve(script, buffer=8 * KIB) as server, connect() as client:
        task = asyncio.create_task(post(client, server.ticket(), source(), LARGE))
        await reading.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert closed == [True]


async def test_a_file_is_never_in_memory_as_a_whole(serve: Serve, connect: Connect) -> None:
    async def script(talk: Talk) -> None:
        left = int(talk.header("Content-Length") or 0)
        while left:
            left -= len(await talk.reader.read(64 * KIB))
        await talk.answer(200)

    async with serve(script) as server, connect() as client:
        tracemalloc.start()
        try:
            assert await post(client, server.ticket(), endless(LARGE), LARGE) == Complete()
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 4 * KIB * KIB


async def test_our_secrets_are_cut_out_of_the_hosts_words(serve: Serve, connect: Connect) -> None:
    async def script(talk: Talk) -> None:
        await talk.body()
        await talk.answer(503, X_Reason="no TOKEN-tkn1n0secret4u today")

    async with serve(script) as server, connect() as client:
        answer = await post(client, server.ticket(), blocks_of(b"12345678"), 8)
    assert isinstance(answer, ServerTrouble)
    assert "TOKEN" not in answer.reason


async def test_a_host_that_is_not_allowed_gets_nothing(connect: Connect, serve: Serve) -> None:
    async def script(talk: Talk) -> None:
        raise AssertionError(talk)

    async with serve(script) as server, connect(upload_hosts=("*.okcdn.ru",)) as client:
        with pytest.raises(GaveUp) as raised:
            await post(client, server.ticket(), blocks_of(b"12345678"), 8)
    assert raised.value.code == "upload_host_refused"
    assert SIGNATURE not in str(raised.value)

"""No secret and no signed URL in anything that is raised, returned, logged or shown."""

import asyncio
import gc
import itertools
import logging
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from okdrop.client import Client, Credentials
from okdrop.client.secrecy import clean_answer, clean_error
from okdrop.drop import Ticket
from okdrop.errors import Trouble, UploadError
from okdrop.protocol.messages import Refused, Stored
from okdrop.protocol.ranges import ByteRange
from scripted import KEYS, SIGNATURE, Connect, Serve, Talk

SECRETS = (
    KEYS.application_key,
    KEYS.access_token,
    KEYS.application_secret_key,
    KEYS.session_secret_key,
    SIGNATURE,
    "upload.do",
)


async def refuse(talk: Talk) -> None:
    quoted = talk.request_line
    await talk.answer(403, f"<html>{quoted}".encode(), X_Reason=f"no: {SIGNATURE} https://h/{quoted}")


async def quote(talk: Talk) -> None:
    body = (await talk.body()).decode("latin-1")
    await talk.answer(200, f'{{"error_code": 104, "error_msg": "bad {body[:3000]}"}}'.encode())


async def cut(talk: Talk) -> None:
    await talk.reader.read(1)
    talk.writer.transport.abort()


async def cut_answer(talk: Talk) -> None:
    talk.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort")
    talk.writer.close()


async def babble(talk: Talk) -> None:
    talk.writer.write(b"\x00\x01 no HTTP at all\r\n\r\n")


async def silent(talk: Talk) -> None:
    del talk
    await asyncio.Event().wait()


async def failing(after: int) -> AsyncIterator[bytes]:
    for _ in range(after):
        yield b"x" * 1024
    raise OSError("the disk broke")


async def fine(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"x" * 1024


def send(blocks: Callable[[int], AsyncIterator[bytes]]) -> Callable[[Client, Ticket], Awaitable[object]]:
    def call(client: Client, ticket: Ticket) -> Awaitable[object]:
        span = ByteRange(0, 4096 * 1024)
        return client.send(
            ticket, span, total=1 << 30, mode=None, file_name="a", blocks=blocks(4096), sent=lambda _: None
        )

    return call


CALLS: list[Callable[[Client, Ticket], Awaitable[object]]] = [
    lambda client, _: client.update("5", title="t", description="", tags=[], privacy="PUBLIC"),
    lambda client, _: client.current_user(),
    lambda client, ticket: client.probe(ticket, total=1 << 30),
    send(fine),
    send(lambda _: failing(1)),
    send(lambda _: failing(0)),
    send(lambda _: fine(1)),
]


async def outcome(call: Awaitable[object]) -> list[str]:
    """All that can be seen of what came of a call."""
    try:
        return [repr(await call)]
    except Exception as error:  # noqa: BLE001  whatever is raised is what this looks at
        return [
            str(error),
            repr(error),
            "".join(traceback.format_exception(error)),
            getattr(error, "hint", ""),
        ]


@pytest.mark.parametrize("script", [refuse, quote, cut, cut_answer, babble, silent, None])
async def test_no_fault_shows_a_secret(
    serve: Serve,
    connect: Connect,
    caplog: pytest.LogCaptureFixture,
    script: Callable[[Talk], Awaitable[None]] | None,
) -> None:
    """`None`: nobody listens any more."""
    caplog.set_level(logging.DEBUG)
    asyncio.get_running_loop().set_debug(True)
    async with serve(script or silent) as server:
        if script is None:
            server.port = 1
        patience = {"stall_timeout": 0.2, "answer_timeout": 0.2, "api_timeout": 0.2}
        async with connect(server.url, **patience) as client:
            shown = [await outcome(call(client, server.ticket())) for call in CALLS]
    gc.collect()  # what nobody looked at is reported when it goes
    logged = [
        record.getMessage() + str(record.exc_text or record.exc_info or "") for record in caplog.records
    ]
    text = "\n".join([*itertools.chain(*shown), *logged])
    assert len(shown) == len(CALLS)
    assert [secret for secret in SECRETS if secret in text] == []


def test_the_keys_do_not_show_in_a_repr() -> None:
    assert not any(secret in repr(KEYS) for secret in SECRETS)


async def test_our_own_secrets_are_taken_out_of_foreign_words() -> None:
    keys = Credentials(
        application_key="PUBLICKEY",
        access_token="tkn1AbCdEf.GhIjKl.mnop",
        application_secret_key="-s-abcdefghijklmnopq",
        session_secret_key="short",
    )
    said = f"no {keys.access_token} with {keys.application_secret_key}, {keys.session_secret_key}"
    error = Trouble(said, code="api_1")
    clean_error(error, keys)
    assert str(error) == "no [secret] with [secret], short"
    assert keys.access_token not in repr(error)
    assert clean_answer(Refused(400, said), keys).reason == str(error)
    assert clean_answer(Stored(), keys) == Stored()


async def test_a_token_that_the_api_quotes_is_not_shown(serve: Serve, connect: Connect) -> None:
    async def script(talk: Talk) -> None:
        await talk.body()
        await talk.answer(200, f'{{"error_code": 2, "error_msg": "SERVICE : {KEYS.access_token}"}}'.encode())

    async with serve(script) as server, connect(server.url) as client:
        with pytest.raises(UploadError) as caught:
            await client.current_user()
    assert KEYS.access_token not in f"{caught.value}{caught.value!r}"

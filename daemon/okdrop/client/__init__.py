"""The three steps of an upload over aiohttp. It translates and decides nothing.

    settings   addresses, patience, secrets        keyring    the secrets in use
    hosts      whom an upload URL may name         connections   kept ones, and single ones
    line       one exchange; faults in words       body       a segment's bytes, streamed
    enclosed   a file's bytes, in a form           progress   slow or stalled?
    api        the calls                           uploads    probes, segments, whole files

Calls of the API raise `UploadError`s; the upload URL's answers are values (`protocol.messages`).
No exception, text or repr that leaves this package holds a secret or a signed URL.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from okdrop.client.api import Api
from okdrop.client.connections import Connections
from okdrop.client.hosts import api_endpoint
from okdrop.client.keyring import Keyring
from okdrop.client.line import open_session
from okdrop.client.secrecy import clean_answer, clean_error
from okdrop.client.settings import ClientSettings, Credentials
from okdrop.client.uploads import Uploads
from okdrop.errors import LocalProtocolError, Trouble, UploadError
from okdrop.protocol import verdicts
from okdrop.protocol.messages import NoAnswer
from okdrop.protocol.photos import read_photo_answer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from datetime import datetime
    from types import TracebackType

    from okdrop.drop import Mode, Ticket
    from okdrop.protocol.messages import FileAnswer, ProbeAnswer, SegmentAnswer, VideoStatus
    from okdrop.protocol.photos import Photo
    from okdrop.protocol.ranges import ByteRange

__all__ = ["Client", "ClientSettings", "Credentials", "Keyring"]


def _boottime() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Client:
    """OK as seen from here; an asynchronous context manager.

    Args:
        settings: addresses and patience.
        credentials: asked before every call, so that renewed ones count at once.
        now: the present, aware and in UTC.
        boottime: seconds that go on whatever is done to the clock, and while the machine sleeps.

    Raises:
        ConfigurationError: `ok.api_url` (at once) or `ok.ca_file` (on entering) cannot be used.
    """

    def __init__(
        self,
        settings: ClientSettings,
        credentials: Callable[[], Credentials],
        *,
        now: Callable[[], datetime],
        boottime: Callable[[], float] = _boottime,
    ) -> None:
        self._settings = settings
        self._endpoint = api_endpoint(settings.api_url)
        self._credentials = credentials
        self._now = now
        self._boottime = boottime
        self._open: tuple[Connections, Api, Uploads] | None = None

    async def __aenter__(self) -> Self:
        kept = open_session(self._settings, keep=True)
        connections = Connections(kept, open_session(self._settings, keep=False))
        api = Api(kept, self._endpoint, self._settings, self._credentials, self._now, self._boottime)
        self._open = connections, api, Uploads(connections, self._settings)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._open is not None:
            connections, _, _ = self._open
            self._open = None
            await connections.close()

    @property
    def clock_skew(self) -> float | None:
        """Seconds that this machine's clock is ahead of OK's, by the API's last answer; None: unknown."""
        return self._api.clock_skew

    @property
    def has_accepted(self) -> bool:
        """Whether OK accepted the credentials in use, once at least."""
        return self._api.has_accepted

    @property
    def credentials_end(self) -> datetime | None:
        """When the access token in use ends, where a person said so."""
        return self._credentials().expires_at

    async def current_user(self, keys: Credentials | None = None) -> str:
        """The name (or id) of the user whose token it is.

        Args:
            keys: to be tried; None: those in use.

        Raises:
            UploadError: by `protocol.verdicts`; as do all calls of the API.
        """
        return await self._api.current_user(keys)

    async def request_ticket(self, *, file_name: str, size: int, group_id: str) -> Ticket:
        """Ask for a video id and its upload URL: not idempotent, each makes an entry (protocol.md 7.26).

        Args:
            file_name: the file's name; `size` its size in bytes.
            size: of the whole file, in bytes.
            group_id: the group that gets the video; "" for the user.
        """
        return await self._api.request_ticket(file_name=file_name, size=size, group_id=group_id)

    async def update(
        self,
        video_id: str,
        *,
        title: str,
        description: str,
        tags: Sequence[str],
        privacy: str,
        cover: Photo | None = None,
        empties: bool = False,
    ) -> None:
        """Publish the video, or set what it is called; it may be repeated (protocol.md 7.19).

        Args:
            video_id: which.
            title: never empty.
            description: its text.
            tags: none holds a comma.
            privacy: who may see it.
            cover: an image that OK holds; None leaves the cover as it is.
            empties: name fields without a text, too, so that an earlier text goes.
        """
        await self._api.update(
            video_id,
            title=title,
            description=description,
            tags=tags,
            privacy=privacy,
            cover=cover,
            empties=empties,
        )

    async def upload_photo(
        self, *, size: int, file_name: str, blocks: AsyncIterator[bytes | memoryview]
    ) -> Photo:
        """Bring an image to OK, to be a cover (protocol.md 2.4); each call makes a photo of its own.

        Args:
            size: bytes.
            file_name: the file's name, whatever it holds.
            blocks: exactly the bytes of the image; closed in the end, if it can be.
        """
        url, photo_id = await self._api.photo_url()
        reply = await self._uploads.send_photo(url, size=size, file_name=file_name, blocks=blocks)
        keys = self._credentials()
        if isinstance(reply, NoAnswer):
            raise Trouble(f"{verdicts.PHOTO_UPLOAD}: {reply.reason}", code="photo_no_answer")
        try:
            return read_photo_answer(reply.status, reply.headers, reply.body, photo_id)
        except UploadError as error:
            clean_error(error, keys)
            raise

    async def video_status(self, video_id: str) -> VideoStatus:
        """How OK's processing stands; MISSING where there is no such video."""
        return await self._api.video_status(video_id)

    async def video_statuses(self, video_ids: Sequence[str]) -> dict[str, VideoStatus]:
        """How OK's processing of several videos stands; one that is left out may have to be asked alone."""
        return await self._api.video_statuses(video_ids)

    async def delete(self, video_id: str) -> None:
        """Delete the video; one that is gone already is as good."""
        await self._api.delete(video_id)

    async def probe(self, ticket: Ticket, *, total: int) -> ProbeAnswer:
        """Ask the upload URL what it holds of a file of `total` bytes.

        Raises:
            GaveUp: the URL may not be contacted (`upload_host_refused`).
        """
        answer = await self._uploads.probe(ticket, total=total)
        return clean_answer(answer, self._credentials())

    async def send(
        self,
        ticket: Ticket,
        span: ByteRange,
        *,
        total: int,
        mode: Mode | None,
        file_name: str,
        blocks: AsyncIterator[bytes | memoryview],
        sent: Callable[[int], None],
    ) -> SegmentAnswer:
        """Send one segment and come back with the answer; nothing touches `blocks` afterwards.

        Args:
            ticket: where to.
            span: which bytes of the file.
            total: the file's size in bytes.
            mode: how the host takes segments; None is a trial of the parallel mode.
            file_name: the file's name, whatever it holds.
            blocks: exactly the bytes of `span`; closed in the end, if it can be.
            sent: told how many bytes were handed to the line, block by block.

        Raises:
            GaveUp: the URL may not be contacted (`upload_host_refused`).
            LocalProtocolError: `blocks` held another number of bytes than `span`.
            Exception: what `blocks` raised, unchanged; the request was cut short then.
        """
        answer = await self._uploads.send(
            ticket, span, total=total, mode=mode, file_name=file_name, blocks=blocks, sent=sent
        )
        return clean_answer(answer, self._credentials())

    async def send_file(
        self,
        ticket: Ticket,
        *,
        size: int,
        file_name: str,
        blocks: AsyncIterator[bytes | memoryview],
        sent: Callable[[int], None],
    ) -> FileAnswer:
        """Send a whole file in one request, which cannot be resumed (protocol.md 1.2).

        Args:
            ticket: where to.
            size: the file's size in bytes.
            file_name: the file's name, whatever it holds.
            blocks: exactly the bytes of the file; closed in the end, if it can be.
            sent: told how many bytes of the file were handed to the line, block by block.

        Raises:
            GaveUp: the URL may not be contacted (`upload_host_refused`).
            LocalProtocolError: `blocks` held another number of bytes than `size`.
            Exception: what `blocks` raised, unchanged; the request was cut short then.
        """
        answer = await self._uploads.send_file(
            ticket, size=size, file_name=file_name, blocks=blocks, sent=sent
        )
        return clean_answer(answer, self._credentials())

    @property
    def _api(self) -> Api:
        return self._parts[1]

    @property
    def _uploads(self) -> Uploads:
        return self._parts[2]

    @property
    def _parts(self) -> tuple[Connections, Api, Uploads]:
        if self._open is None:
            raise LocalProtocolError("the client is not open")
        return self._open

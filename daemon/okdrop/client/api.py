"""The REST calls over the line: signed, posted, and read by `protocol.api_answers`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp

from okdrop.client import line
from okdrop.client.secrecy import clean_error
from okdrop.drop import Ticket
from okdrop.errors import Halted, Trouble, UploadError
from okdrop.protocol import api_answers, photos, verdicts
from okdrop.protocol.fields import date_of
from okdrop.protocol.messages import VideoStatus
from okdrop.protocol.signing import session_secret, sign

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    import yarl

    from okdrop.client.settings import ClientSettings, Credentials
    from okdrop.protocol.api_answers import Json
    from okdrop.protocol.photos import Photo

_GONE = f"api_{verdicts.NOT_FOUND}"


class Api:
    """Calls of OK's REST API."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        endpoint: yarl.URL,
        settings: ClientSettings,
        credentials: Callable[[], Credentials],
        now: Callable[[], datetime],
        boottime: Callable[[], float],
    ) -> None:
        self._session = session
        self._endpoint = endpoint
        self._proxy = settings.proxy
        self._timeout = aiohttp.ClientTimeout(total=settings.api_timeout)
        self._credentials = credentials
        self._now = now
        self._boottime = boottime
        self._answered: tuple[datetime, float] | None = None  # OK's time, and how long this machine was up
        self.has_accepted = False  #: whether a call went well with credentials that were in use

    @property
    def clock_skew(self) -> float | None:
        """Seconds that this machine's clock is ahead of OK's now, though it was set since the last answer."""
        if self._answered is None:
            return None
        theirs, at = self._answered
        return (self._now() - theirs).total_seconds() - (self._boottime() - at)

    async def current_user(self, keys: Credentials | None = None) -> str:
        """Whose token it is, of `keys` or of those in use."""
        return api_answers.read_user(await self._call(verdicts.CURRENT_USER, {}, keys))

    async def request_ticket(self, *, file_name: str, size: int, group_id: str) -> Ticket:
        """A new video id and its upload URL."""
        params = {"file_name": file_name, "file_size": str(size)}
        if group_id:
            params["gid"] = group_id
        answer = await self._call(verdicts.GET_UPLOAD_URL, params)
        video_id, url = api_answers.read_upload_url(answer)
        now = self._now()
        expires_at = api_answers.read_expiry(url, now=now)
        return Ticket(video_id=video_id, upload_url=url, issued_at=now, expires_at=expires_at)

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
        """Publish the video, or set what it is called."""
        # A comma parts tags (protocol.md 2.2), so none may hold one.
        listed = ",".join(tag.replace(",", " ") for tag in tags)
        params = {"vid": video_id, "title": title, "privacy": privacy}
        texts = {"description": description, "tags": listed}
        params |= {key: value for key, value in texts.items() if value or empties}
        if cover is not None:
            params |= {"cover_photo_id": cover.photo_id, "cover_photo_upload_token": cover.token}
        await self._call(verdicts.UPDATE, params)

    async def photo_url(self) -> tuple[str, str]:
        """An upload URL for one image, and the id that its photo will have."""
        return photos.read_photo_url(await self._call(verdicts.PHOTO_URL, {"count": "1"}))

    async def video_status(self, video_id: str) -> VideoStatus:
        """How OK's processing stands."""
        params = {"vids": video_id, "fields": "video.id,video.status"}
        try:
            return api_answers.read_video_status(await self._call(verdicts.GET, params))
        except UploadError as error:
            if error.code != _GONE:
                raise
            return VideoStatus.MISSING

    async def video_statuses(self, video_ids: Sequence[str]) -> dict[str, VideoStatus]:
        """How OK's processing of several videos stands, for as many as OK names."""
        params = {"vids": ",".join(video_ids), "fields": "video.id,video.status"}
        return api_answers.read_video_statuses(await self._call(verdicts.GET, params))

    async def delete(self, video_id: str) -> None:
        """Delete the video; that there is none is as good."""
        try:
            await self._call(verdicts.DELETE, {"vid": video_id})
        except UploadError as error:
            if error.code != _GONE:
                raise

    async def _call(self, method: str, params: Mapping[str, str], trial: Credentials | None = None) -> Json:
        keys = trial or self._credentials()
        form = _signed(method, params, keys)
        try:
            reply = await line.exchange(
                self._session, "POST", self._endpoint, timeout=self._timeout, proxy=self._proxy, data=form
            )
        except line.FAULTS as fault:
            reason, maybe_done = line.words(fault)
            code = "api_no_answer" if maybe_done else "api_unreachable"
            raise Trouble(f"{method}: {reason}", code=code, maybe_done=maybe_done) from None
        self._compare_clocks(reply.headers)
        try:
            answer = api_answers.read_api_answer(method, reply.status, reply.headers, reply.body)
        except UploadError as error:
            clean_error(error, keys)
            error.hint = error.hint.replace("`ok.", f"`{keys.section}.")
            if isinstance(error, Halted) and trial is None and keys != self._credentials():
                # The word is about keys that are no longer in use: it says nothing of the present ones.
                raise Trouble("OK refuses the credentials of before", code="credentials_exchanged") from None
            raise
        self.has_accepted = self.has_accepted or trial is None
        return answer

    def _compare_clocks(self, headers: Mapping[str, str]) -> None:
        theirs = date_of(headers)
        if theirs is not None:
            self._answered = theirs, self._boottime()


def _signed(method: str, params: Mapping[str, str], keys: Credentials) -> dict[str, str]:
    """The whole form of a call.

    Raises:
        Halted: a key is not configured.
    """
    form = {**params, "method": method, "application_key": keys.application_key, "format": "json"}
    form["__online"] = "false"  # a daemon does not make its user appear online (protocol.md 3.1)
    # A lone surrogate is no UTF-8: replaced here, so that what is signed is what is sent.
    form = {key: value.encode("utf-8", "replace").decode() for key, value in form.items()}
    return {**form, "sig": sign(form, _secret(keys)), "access_token": keys.access_token}


def _secret(keys: Credentials) -> str:
    missing = [
        name
        for name, value in (
            (f"{keys.section}.application_key", keys.application_key),
            (f"{keys.section}.access_token", keys.access_token),
            (
                f"{keys.section}.application_secret_key (or {keys.section}.session_secret_key)",
                keys.application_secret_key or keys.session_secret_key,
            ),
        )
        if not value
    ]
    if missing:
        hint = "set it in the environment, in a file named by a `*_file` key, or in the configuration"
        raise Halted(f"not configured: {', '.join(missing)}", code="credentials_missing", hint=hint)
    return keys.session_secret_key or session_secret(keys.access_token, keys.application_secret_key)

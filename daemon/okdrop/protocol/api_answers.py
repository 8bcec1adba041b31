"""What an answer of the REST API says (protocol.md 3.3, 7.15, 7.18, 7.28, 7.30, 7.35).

Whatever bytes come in, a value goes out or an `UploadError` is raised, nothing else.
The API says most failures inside HTTP 200; a page in place of JSON is somebody else's (a proxy, an
outage), hence trouble, never success. So is a bare 401 or 403: OK speaks of credentials in error
objects, and one proxy in a bad mood must not halt the pool. Only an error object says that a call was
not carried out; after any other trouble it may have been (`Trouble.maybe_done`).
"""

from __future__ import annotations

import datetime as dt
import json
import re
import urllib.parse
from typing import TYPE_CHECKING, Final, NoReturn

from okdrop.errors import Trouble
from okdrop.protocol import verdicts
from okdrop.protocol.fields import field, passing, retry_after
from okdrop.protocol.messages import VideoStatus
from okdrop.protocol.redaction import presentable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from okdrop.errors import UploadError

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None
"""A value as JSON knows it."""

_PLAIN_ERROR: Final = re.compile(r"\s*(\d{1,9})\s*:\s*([A-Z][A-Z0-9_]{2,60}\b.*)", re.ASCII | re.DOTALL)
_INTEGER: Final = re.compile(r"-?\d{1,9}", re.ASCII)
_VIDEO_ID: Final = re.compile(r"[\w.-]{1,64}", re.ASCII)
_EPOCH_MS: Final = re.compile(r"\d{12,14}", re.ASCII)
_SUCCESS: Final = 2  # hundreds
_TOO_MANY: Final = 429


def read_api_answer(method: str, status: int, headers: Mapping[str, str], body: bytes) -> Json:
    """The value of a successful call; None where the answer is empty, as for update and delete.

    Raises:
        UploadError: the call failed; which kind is `verdicts.verdict`'s to say.
    """
    value, is_json = _json(body)
    if (error := _api_error(method, headers, body, value)) is not None:
        if isinstance(error, Trouble):
            error.retry_after = retry_after(headers)
            if status == _TOO_MANY:
                error.code = f"http_{status}"  # whatever the number within says
        raise error
    if passing(status):
        wait = retry_after(headers)
        raise Trouble(f"{method}: HTTP {status}", code=f"http_{status}", retry_after=wait, maybe_done=True)
    if status // 100 != _SUCCESS:
        hint = "OK answers otherwise; look for a proxy in between, and at `ok.api_url`"
        raise Trouble(f"{method}: HTTP {status}", code=f"http_{status}", long=True, hint=hint)
    if not body.strip():
        return None
    if not is_json:
        _no_json(method, body)
    return value


def read_upload_url(value: Json) -> tuple[str, str]:
    """The video id, as text (it may pass 2^53), and the upload URL out of video.getUploadUrl's value.

    Raises:
        Trouble: they are not there.
    """
    if isinstance(value, dict):
        video_id, url = _identifier(value.get("video_id")), value.get("upload_url")
        if video_id is not None and isinstance(url, str) and url:
            return video_id, url
    raise _unexpected(verdicts.GET_UPLOAD_URL, "no video id and upload URL in it")


def read_expiry(upload_url: str, *, now: dt.datetime) -> dt.datetime | None:
    """When the URL expires, by its `expires` in epoch milliseconds: a guess (protocol.md 2.1).

    None where it is absent or not within a year from `now`.
    """
    _, _, query = upload_url.partition("?")
    values = [
        value for key, _, value in (pair.partition("=") for pair in query.split("&")) if key == "expires"
    ]
    text = urllib.parse.unquote(values[0]) if values else ""
    if not _EPOCH_MS.fullmatch(text):
        return None
    moment = dt.datetime.fromtimestamp(int(text) // 1000, dt.UTC)
    return moment if abs(moment - now) < dt.timedelta(days=366) else None


def read_video_status(value: Json) -> VideoStatus:
    """The status in video.get's value; MISSING where the list of videos is there and empty.

    An answer without a list says nothing of the video: taken for "no such video", it would cost a whole
    file that OK holds.

    Raises:
        Trouble: `video_unclear`, the value has another form, empty ones included; not for ever.
    """
    videos = value.get("videos") if isinstance(value, dict) else None
    if videos == []:
        return VideoStatus.MISSING
    if not isinstance(videos, list) or not isinstance(videos[0], dict):
        raise Trouble(
            f"{verdicts.GET}: an answer that does not say what became of the video",
            code="video_unclear",
            long=True,
            tries=verdicts.UNKNOWN_TRIES,
            hint="look on ok.ru whether the video is there; okdrop retry sends the file anew",
        )
    return _status_of(videos[0])


def read_video_statuses(value: Json) -> dict[str, VideoStatus]:
    """Video ids and statuses in video.get's value, for as many as it names; the others are not known of."""
    videos = value.get("videos") if isinstance(value, dict) else None
    described = [video for video in videos if isinstance(video, dict)] if isinstance(videos, list) else []
    by_id = [(_identifier(video.get("id")), _status_of(video)) for video in described]
    return {video_id: status for video_id, status in by_id if video_id is not None}


def _status_of(video: dict[str, Json]) -> VideoStatus:
    word = video.get("status")
    try:
        return VideoStatus(word.upper()) if isinstance(word, str) else VideoStatus.UNKNOWN
    except ValueError:
        return VideoStatus.UNKNOWN


def read_user(value: Json) -> str:
    """Whose token it is: the name where there is one, else the id.

    Raises:
        Trouble: neither is there.
    """
    if isinstance(value, dict):
        name = value.get("name")
        value = name if isinstance(name, str) and name.strip() else value.get("uid")
    if isinstance(value, str) and value.strip():
        return "".join(char for char in value if char.isprintable())[:100]
    if (uid := _identifier(value)) is not None:
        return uid
    raise _unexpected(verdicts.CURRENT_USER, "no user in it")


def _json(body: bytes) -> tuple[Json, bool]:
    try:
        value: Json = json.loads(body)
    except (ValueError, RecursionError):
        return None, False
    return value, True


def _api_error(method: str, headers: Mapping[str, str], body: bytes, value: Json) -> UploadError | None:
    """The error that an answer speaks of: in its object, its field, or as plain text."""
    if isinstance(value, dict) and ("error_code" in value or value.get("error")):
        words = value.get("error_msg") or value.get("error_description") or value.get("error")
        return _verdict(method, value.get("error_code"), words)
    mark = field(headers, "Invocation-Error") or field(headers, "WMF-Invocation-Error")
    plain = _PLAIN_ERROR.match(body[:4096].decode("utf-8", "replace"))
    if plain is not None:
        return verdicts.verdict(method, int(plain[1]), plain[2])
    return _verdict(method, mark, mark) if mark else None


def _verdict(method: str, code: object, words: object) -> UploadError:
    message = words if isinstance(words, str) else ""
    match = _INTEGER.match(str(code).strip()) if isinstance(code, int | str) else None
    if match is None:
        said = presentable(message)
        return Trouble(f"{method}: an error without a code, {said}", code="api_error", long=True)
    return verdicts.verdict(method, int(match[0]), message)


def _no_json(method: str, body: bytes) -> NoReturn:
    if body.lstrip().startswith(b"<"):
        hint = "a proxy or an outage answers in OK's place; it goes on by itself"
        words = f"{method}: a page where an answer was due"
        raise Trouble(words, code="api_page", hint=hint, maybe_done=True)
    raise _unexpected(method, "it is no JSON, or cut short")


def _unexpected(method: str, what: str) -> Trouble:
    words = f"{method}: an answer that cannot be read: {what}"
    return Trouble(words, code="api_unreadable", maybe_done=True)


def _identifier(value: Json) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = str(value)
    return text if _VIDEO_ID.fullmatch(text) else None

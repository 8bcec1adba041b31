"""What an error of OK's API asks of us: the table (method, code) → error (protocol.md 3.3, 2.1).

The verdict belongs to the pair: 100 is the file's fault on getUploadUrl, and "not taken yet" on update.
Codes that are no one's in particular fall under the code alone:

- *passing* codes are retried for ever; transient trouble is never final, 30 and 5000 included: the
  backoff grows, and a person sees the reason meanwhile;
- *flood* codes cool the whole account down (`protocol.breaker`); whoever waits alone waits long at once;
- *operator* codes halt the pool: nothing that is wrong with the application, the token or the group's
  rights becomes right by failing one file after the other. 3 (no such method) is among them;
- *fatal* codes end this upload;
- a code that nobody listed is retried after long waits: it may neither lose the upload nor loop hot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from okdrop.errors import GaveUp, Halted, TicketDead, Trouble, UploadError
from okdrop.protocol.redaction import presentable

if TYPE_CHECKING:
    from collections.abc import Mapping

GET_UPLOAD_URL: Final = "video.getUploadUrl"
UPDATE: Final = "video.update"
GET: Final = "video.get"
DELETE: Final = "video.delete"
CURRENT_USER: Final = "users.getCurrentUser"
PHOTO_URL: Final = "photosV2.getUploadUrl"
PHOTO_UPLOAD: Final = "photo upload"
"""No method: the form that brings an image to its upload URL, which answers as the API does."""

LACKS_PERMISSION: Final = frozenset({"api_3", "api_10", "api_200"})
"""The codes of a call that this application, or this user, may not make."""

NOT_FOUND: Final = 300
"""No such video: final on update, the wish fulfilled on delete, an answer on get."""

UNKNOWN_TRIES: Final = 5
"""How often an error nobody knows is met, with long waits between, before a person has to look."""

NOT_TAKEN: Final = "api_100"
"""The code of video.update's "not taken yet": it may be true, whatever the upload host said before."""

NOT_TAKEN_TRIES: Final = 10
"""How often in a row video.update may be told "not taken yet" before it is final."""

_PASSING: Final = frozenset({1, 2, 12, 30, 31, 5000, 9999})
_FLOOD: Final = frozenset({7, 8, 11, 511})
RATE_LIMITS: Final = frozenset({*(f"api_{code}" for code in _FLOOD), "http_429"})
"""The codes of trouble that mean: too many calls, whoever made them."""

_FATAL: Final = frozenset(
    {4, 21, 106, 110, 120, 121, 160, NOT_FOUND, 324, *range(500, 509), *range(600, 611)}
) | {
    *range(700, 710),
    1200,
}

_ASK_ANEW: Final = (
    "get a new token, and put it where the present one is: `ok.access_token`, or the file that"
    " `ok.access_token_file` names"
)

_OPERATOR: Final[Mapping[int, tuple[str, str]]] = {
    3: ("OK knows no such method", "a newer okdrop may be needed"),
    9: ("OK blocked this machine's address", "ask OK's support, or send from another address"),
    10: (
        "the application or the user may not do this",
        "check the VIDEO_CONTENT permission and group rights",
    ),
    22: ("the user is not activated", "activate the account on ok.ru"),
    23: ("the user has not joined the application", _ASK_ANEW),
    24: ("the user is not the owner", "use the token of the owner"),
    50: (
        "the user is not an administrator of the group",
        "make the user an administrator, or change `group_id`",
    ),
    101: ("the application key is wrong", "check `ok.application_key`"),
    102: ("the access token has expired", _ASK_ANEW),
    103: ("the access token is not valid", _ASK_ANEW),
    104: ("the signature is wrong", "check `ok.application_secret_key` and `ok.session_secret_key`"),
    105: ("the call was signed again", "check the machine's clock and that nothing repeats its requests"),
    200: ("the application lacks a permission", "ask OK's support for VIDEO_CONTENT, then get a new token"),
    210: ("the application is disabled", "look at the application's page on ok.ru"),
    211: ("the application is disabled by a decision of OK", "ask OK's support"),
    401: ("OK asks for a login", _ASK_ANEW),
    402: ("OK asks for a captcha", "log in on ok.ru in a browser, then get a new token"),
    403: ("OK asks to confirm that the user is human", "log in on ok.ru in a browser, then get a new token"),
    451: ("this method cannot be called with a session", "check the kind of the application"),
    453: ("the call needs a user's session", _ASK_ANEW),
    455: ("the user's friends restrict this", "check the account's restrictions on ok.ru"),
    456: ("the group restricts this", "check the group's settings on ok.ru"),
    457: ("not authorised for this", _ASK_ANEW),
    458: ("privacy settings restrict this", "check the account's privacy settings on ok.ru"),
    514: ("OK wants the session verified", "log in on ok.ru in a browser, then get a new token"),
    900: ("OK knows no such application", "check `ok.application_key`"),
}

_FILE_FAULTS: Final[Mapping[str, tuple[str, str, str]]] = {
    "filetosmall": ("file_too_small", "OK finds the file too small", "OK takes no video under 16 KiB"),
    "filetoosmall": ("file_too_small", "OK finds the file too small", "OK takes no video under 16 KiB"),
    "filetolarge": ("file_too_large", "OK finds the file too large", "cut the video, or encode it smaller"),
    "filetoolarge": ("file_too_large", "OK finds the file too large", "cut the video, or encode it smaller"),
    "badformat": ("bad_format", "OK does not take this format", "convert the video, to MP4 for one"),
    "dvdmenu": ("dvd_menu", "OK takes no DVD menu", "send the film itself rather than the menu"),
}
_BAD_FILE: Final = ("bad_file", "OK refuses this file", "look at the file's name, size and format")

_FATAL_HINTS: Final[Mapping[int, str]] = {
    4: "the call itself was refused; look at the title and the metadata, then `okdrop retry`",
    160: "check the folder's `group_id`",
}


def verdict(method: str, code: int, message: str = "") -> UploadError:
    """The error to raise for an API error.

    Args:
        method: as in `video.update`.
        code: the `error_code`.
        message: the `error_msg`; shown only after secrets and URLs were cut out of it.
    """
    by_pair = _by_method(method, code, message)
    if by_pair is not None:
        return by_pair
    said = _said(method, code, message)
    stable = f"api_{code}"
    if code in _OPERATOR:
        words, hint = _OPERATOR[code]
        return Halted(f"{words} ({said})", code=stable, hint=hint)
    if code in _FATAL:
        hint = _FATAL_HINTS.get(code, "OK will not take this; look at what it says, then `okdrop retry`")
        return GaveUp(said, code=stable, hint=hint)
    if code in _FLOOD:
        return Trouble(said, code=stable, long=True, hint="OK limits the calls; it goes on by itself later")
    if code in _PASSING:
        return Trouble(said, code=stable, hint="OK is in trouble; it goes on by itself")
    hint = "an error OK does not document; okdrop retry tries again"
    return Trouble(said, code=stable, long=True, tries=UNKNOWN_TRIES, hint=hint)


def _by_method(method: str, code: int, message: str) -> UploadError | None:
    """The pairs whose verdict differs from that of the code alone."""
    said = _said(method, code, message)
    match method, code:
        case "video.getUploadUrl", 100:
            return _file_fault(said, message)
        case "photosV2.getUploadUrl" | "photo upload", 100:
            return GaveUp(f"OK refuses the image ({said})", code="image_refused", hint="take another image")
        case _, 100:
            return Trouble(
                f"not taken yet: {said}",
                code=NOT_TAKEN,
                tries=NOT_TAKEN_TRIES,
                hint="OK may still be taking the file; if it stays, look at title, description and tags",
            )
        case "video.getUploadUrl", 454:
            hint = "rename the file, then `okdrop retry`"
            return GaveUp(f"OK refuses the file's name: {said}", code="text_refused", hint=hint)
        case _, 454:
            return GaveUp(
                f"OK refuses the text: {said}",
                code="text_refused",
                hint="change the title, description or tags, then `okdrop retry`: no byte is sent again",
            )
        case "video.update", 300:
            return TicketDead(f"OK no longer knows the video: {said}", code="api_300", hint="it is sent anew")
        case _:
            return None


def _file_fault(said: str, message: str) -> GaveUp:
    squeezed = "".join(char for char in message.lower() if char.isalpha())
    for word, (code, words, hint) in _FILE_FAULTS.items():
        if word in squeezed:
            return GaveUp(f"{words} ({said})", code=code, hint=hint)
    code, words, hint = _BAD_FILE
    return GaveUp(f"{words} ({said})", code=code, hint=hint)


def _said(method: str, code: int, message: str) -> str:
    words = presentable(message)
    return f"{method}: error {code}" + (f", {words}" if words else "")

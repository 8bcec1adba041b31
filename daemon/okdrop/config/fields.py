"""The kinds of value a key may hold, each with the words that say what would do.

A validator raises ValueError with a text that completes "KEY = VALUE: …"; it never repeats the value, which
may be a secret.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import os
import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias, TypeVar
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, SecretStr, ValidationInfo

from okdrop.config.bandwidth import Bandwidth
from okdrop.config.units import parse_duration, parse_moment, parse_size
from okdrop.config.window import PublishWindow
from okdrop.metadata import (
    VARIABLES,
    check_group,
    check_name_pattern,
    check_template,
    groups,
    is_template,
    parted,
)
from okdrop.rules import check_pattern

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

SMALLEST_SEGMENT: Final = 64 * 1024
LARGEST_SEGMENT: Final = 1024**3

_NO_GROUPS: Final = (VARIABLES - {"date"}) | {"privacy", "group_id"}
"""Names that a group of `name_pattern` may not have: a name may say a date, but not who sees the video."""

_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*|\*(?:\.{_LABEL}){{2,}}", re.ASCII)


def is_loopback(host: str) -> bool:
    """Whether a host, as a URL names it, is this machine alone."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


# --- numbers ------------------------------------------------------------------------------------------


def whole(low: int, high: int) -> Callable[[object], int]:
    """Return a validator of whole numbers from `low` to `high`, both included."""

    def parse(value: object) -> int:
        text = str(value).strip() if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
        if not re.fullmatch(r"-?\d{1,9}", text, re.ASCII) or not low <= int(text) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(text)

    return parse


def _positive(seconds: float) -> float:
    if seconds <= 0:
        raise ValueError("must be longer than 0")
    return seconds


def _connections(value: object) -> object:
    try:
        return value if value == "auto" else whole(1, 16)(value)
    except ValueError as error:
        raise ValueError(f'{error}, or "auto"') from None


def _flag(value: object) -> bool:
    word = (
        value if isinstance(value, bool) else {"true": True, "false": False}.get(str(value).strip().lower())
    )
    if word is None:
        raise ValueError("must be true or false")
    return word


def _depth(value: object) -> object:
    try:
        return value if value == "unlimited" else whole(0, 9999)(value)
    except ValueError as error:
        raise ValueError(f'{error}, or "unlimited"') from None


def _segment_size(value: object) -> object:
    if value == "auto":
        return value
    try:
        size = parse_size(value)
    except ValueError:
        size = 0
    if not SMALLEST_SEGMENT <= size <= LARGEST_SEGMENT:
        raise ValueError('must be "auto" or a size from 64KiB to 1GiB')
    return size


def _optional(parse: Callable[[object], T]) -> Callable[[object], T | None]:
    """Of a limit that may be none, which is said by ""."""
    return lambda value: None if value is None or value == "" else parse(value)


Seconds: TypeAlias = Annotated[float, BeforeValidator(parse_duration)]
OptionalSeconds: TypeAlias = Annotated[float | None, BeforeValidator(_optional(parse_duration))]
OptionalMoment: TypeAlias = Annotated[datetime | None, BeforeValidator(_optional(parse_moment))]
Size: TypeAlias = Annotated[int, BeforeValidator(parse_size)]
OptionalSize: TypeAlias = Annotated[int | None, BeforeValidator(_optional(parse_size))]
PositiveSeconds: TypeAlias = Annotated[float, BeforeValidator(parse_duration), AfterValidator(_positive)]
Connections: TypeAlias = Annotated[int | Literal["auto"], BeforeValidator(_connections)]
Flag: TypeAlias = Annotated[bool, BeforeValidator(_flag)]
Depth: TypeAlias = Annotated[int | Literal["unlimited"], BeforeValidator(_depth)]
SegmentSize: TypeAlias = Annotated[int | Literal["auto"], BeforeValidator(_segment_size)]
Limit: TypeAlias = Annotated[Bandwidth, BeforeValidator(Bandwidth.parse), PlainSerializer(str)]

Hours: TypeAlias = Annotated[PublishWindow, BeforeValidator(PublishWindow.parse), PlainSerializer(str)]


# --- text ---------------------------------------------------------------------------------------------


def _token(secret: SecretStr) -> SecretStr:
    if any(char.isspace() or not char.isprintable() for char in secret.get_secret_value()):
        raise ValueError("must hold no blanks, line breaks or control characters")
    return secret


def _identifier(value: str) -> str:
    if value and not re.fullmatch(r"[!-~]+", value):
        raise ValueError("must hold no blanks and only ASCII characters")
    return value


def _number(value: str) -> str:
    if "{" in value:
        return check_group(value)
    if value and not re.fullmatch(r"\d{1,20}", value, re.ASCII):
        raise ValueError("must be the group's number (gid), a template that gives one, or empty")
    return value


def _suffix(value: str) -> str:
    suffix = value.strip().removeprefix(".").casefold()
    if suffix != "*" and not re.fullmatch(r"[^\s/*?\[\].]+(?:\.[^\s/*?\[\].]+)*", suffix):
        raise ValueError(
            'must be the end of a name without wildcards, like "mp4"; "*" alone takes every file'
        )
    return suffix


def _sidecar(value: str) -> str:
    suffix = value.strip().removeprefix(".").casefold()
    if not re.fullmatch(r"[^\s/*?\[\].]+(?:\.[^\s/*?\[\].]+)*", suffix):
        raise ValueError('must be the end of a name without wildcards, like "srt"')
    return suffix


def _pattern(value: str) -> str:
    if not value.strip() or "/" in value:
        raise ValueError('must be a pattern for one name, like "*.tmp"; it may not be empty or hold a "/"')
    return value


def _path_pattern(value: str) -> str:
    return check_pattern(value)


def _ending(value: str) -> str:
    if "/" in value or "\0" in value or value in {".", ".."}:
        raise ValueError('must be a name, or the end of one, without "/"; like ".done" or "SHA256SUMS"')
    return value


def _marker(value: str) -> str:
    if value and ("\0" in value or value.startswith("/") or {".", "..", ""} & {*value.split("/")}):
        raise ValueError('must be a name in the folder, like ".okdrop-here", or empty')
    return value


def _template(value: str, info: ValidationInfo) -> str:
    if "name_pattern" not in info.data:
        return value  # it is refused, and told of; which variables there are is not known
    return check_template(value, groups(info.data["name_pattern"]))


def _name_pattern(value: str) -> str:
    return check_name_pattern(value, _NO_GROUPS)


def _program(value: str) -> str:
    if "\0" in value or (("/" in value or value.startswith("-")) and not value.startswith("/")):
        raise ValueError('must be the name of a program, like "ffprobe", its absolute path, or "" for none')
    return value


Token: TypeAlias = Annotated[SecretStr, AfterValidator(_token)]
Identifier: TypeAlias = Annotated[str, AfterValidator(_identifier)]
GroupId: TypeAlias = Annotated[str, AfterValidator(_number)]
Suffix: TypeAlias = Annotated[str, AfterValidator(_suffix)]
SidecarSuffix: TypeAlias = Annotated[str, AfterValidator(_sidecar)]
Marker: TypeAlias = Annotated[str, AfterValidator(_marker)]
Pattern: TypeAlias = Annotated[str, AfterValidator(_pattern)]
PathPattern: TypeAlias = Annotated[str, AfterValidator(_path_pattern)]
Ending: TypeAlias = Annotated[str, AfterValidator(_ending)]
Template: TypeAlias = Annotated[str, AfterValidator(_template)]
NamePattern: TypeAlias = Annotated[str, AfterValidator(_name_pattern)]
Program: TypeAlias = Annotated[str, AfterValidator(_program)]


# --- places in the file system ------------------------------------------------------------------------


def absolute_path(value: object, home: str) -> Path:
    """Read an absolute path; "~" and "~/…" begin at `home`. The file system is not looked at.

    Raises:
        ValueError: it is none, in words.
    """
    text = os.fspath(value) if isinstance(value, (str, Path)) else ""
    if home.startswith("/") and (text == "~" or text.startswith("~/")):
        text = home + text[1:]
    if not text.startswith("/") or "\0" in text:
        raise ValueError('must be an absolute path, or begin with "~/" (and HOME be set)')
    return Path("/" + os.path.normpath(text).lstrip("/"))


def _home(info: ValidationInfo) -> str:
    context: dict[str, Any] = info.context or {}
    return str(context.get("home", ""))


def _some_path(value: object, info: ValidationInfo) -> Path:
    return absolute_path(value, _home(info))


def _optional_path(value: object, info: ValidationInfo) -> Path | None:
    return None if value is None or value == "" else absolute_path(value, _home(info))


@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """Where files move to, as a template: below a folder that is always the same."""

    folder: Path
    below: str  #: the template of the path below it (`okdrop.metadata.targets`)

    def __str__(self) -> str:
        return f"{self.folder}/{self.below}"


def _move_to(value: object, info: ValidationInfo) -> Path | Target | None:
    if isinstance(value, Target):
        return value
    if not (isinstance(value, str) and is_template(value)):
        return _optional_path(value, info)
    folder, below = parted(value)
    return Target(absolute_path(folder, _home(info)), below)


AbsolutePath: TypeAlias = Annotated[Path, BeforeValidator(_some_path)]
OptionalPath: TypeAlias = Annotated[Path | None, BeforeValidator(_optional_path)]
MoveTo: TypeAlias = Annotated[Path | Target | None, BeforeValidator(_move_to)]


# --- places in the network ----------------------------------------------------------------------------


def split_url(value: str) -> SplitResult:
    """Split a URL that names a host and, if anything, a port that exists.

    Raises:
        ValueError: it does not.
    """
    try:
        parts = urlsplit(value)
        if parts.hostname and (parts.port is None or parts.port) and not re.search(r"[\s\\]", value):
            return parts
    except ValueError:
        pass
    raise ValueError('must be a URL like "https://host" or "https://host:port"')


def _api_url(value: str) -> str:
    parts = split_url(value)
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError("must be a URL without user, query or fragment")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        raise ValueError("must begin with https://; plain http:// is for loopback hosts only")
    return value.rstrip("/")


def _proxy(secret: SecretStr) -> SecretStr:
    value = secret.get_secret_value()
    if value and split_url(value).scheme not in ("http", "https"):
        raise ValueError("must be a URL that begins with http:// or https://")
    return secret


def _ledger_url(secret: SecretStr) -> SecretStr:
    value = secret.get_secret_value()
    on_disk = value.startswith("sqlite:////") and not value.endswith("/")
    on_server = re.match(r"postgres(?:ql)?(?:\+psycopg)?://.", value) is not None
    if not on_disk and not on_server:
        raise ValueError(
            'must be "sqlite:///" and an absolute path, so four slashes: "sqlite:////var/lib/okdrop/ledger.db"'
        )
    return secret


def _host_pattern(value: str) -> str:
    host = value.strip().lower()
    try:
        return str(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        pass
    if not _HOST.fullmatch(host):
        raise ValueError('must be a host without scheme and port, like "vu.okcdn.ru", or "*." and a domain')
    return host


def _host_name(value: str) -> str:
    host = _host_pattern(value)
    if "*" in host:
        raise ValueError('must be a host without scheme and port, like "video.lan"')
    return host


def listen_address(value: str) -> tuple[str, int]:
    """Split "host:port" or "[address]:port".

    Raises:
        ValueError: it is neither, in words.
    """
    host, colon, port = value.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if colon and re.fullmatch(r"\d{1,5}", port, re.ASCII) and int(port) < 1 << 16:
        if bracketed and ipaddress.ip_address(host[1:-1]).version:
            return host[1:-1], int(port)
        if _HOST.fullmatch(host.lower()) and "*" not in host:
            return host, int(port)
    raise ValueError('must be "host:port" like "127.0.0.1:8480", or "" to switch it off')


def _listen(value: str) -> str:
    if value:
        listen_address(value)
    return value


ApiUrl: TypeAlias = Annotated[str, AfterValidator(_api_url)]
Proxy: TypeAlias = Annotated[SecretStr, AfterValidator(_proxy)]
LedgerUrl: TypeAlias = Annotated[SecretStr, AfterValidator(_ledger_url)]
HostPattern: TypeAlias = Annotated[str, AfterValidator(_host_pattern)]
HostName: TypeAlias = Annotated[str, AfterValidator(_host_name)]
Listen: TypeAlias = Annotated[str, AfterValidator(_listen)]

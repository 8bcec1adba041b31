from __future__ import annotations

import stat
from typing import Any
from urllib.parse import unquote

import pytest

from e2e.harness import KB, MB, assert_published_once

SECRETS = {
    "access_token": "tkn1-very-secret-token",
    "application_secret_key": "SECRETAPPLICATIONKEY",
    "session_secret_key": "5e551on5ecret0000000000000000000",
}
FOUL = (
    "cut_after_bytes:probability=0.15",
    "lost_answer:probability=0.1",
    "error_500_before_storing:probability=0.1,method=segment",
    "error_500_before_storing:times=2,method=api",
    "error_503:probability=0.1,retry_after=0",
    "expire_url:times=1,after=8",
    "redirect:times=2,method=segment,after=4",
    "refuse_416:times=1,after=6",
    "garbage:kind=html,times=2",
    "garbage:kind=truncated,times=1",
    "garbage:kind=empty,times=1,method=video.getUploadUrl",
    "lost_api_answer:times=2",
    "stall:times=1,after=9",
)

READING = (("status",), ("show", "3", "--json"), ("check",))


@pytest.mark.parametrize("log_format", ["json", "console"])
async def test_no_secret_is_ever_shown(start: Any, log_format: str) -> None:
    settings = {f"ok__{name}": value for name, value in SECRETS.items()}
    settings |= {"log__format": log_format, "log__level": "debug", "upload__stall_timeout": "1s"}
    emulator, daemon = await start(*FOUL, settings=settings, **SECRETS)
    daemon.set(upload__segment_size="128KiB", upload__answer_timeout="1s")
    daemon.environment |= {"PYTHONASYNCIODEBUG": "1", "PYTHONWARNINGS": "default"}
    files = daemon.files([200 * KB, 1 * MB, 2 * MB])
    ended = await daemon.ends()
    assert ended.code == 0, ended.err
    assert_published_once(emulator.videos(), files)
    shown = ended.text
    daemon.environment.pop("PYTHONASYNCIODEBUG")
    for arguments in READING if log_format == "json" else ():
        shown += (await daemon.ends(*arguments)).text
    leaks = [secret for secret in secrets(emulator) if secret in shown]
    assert leaks == []
    assert "sig=" not in shown
    assert "Warning" not in shown
    assert "never retrieved" not in shown
    assert stat.S_IMODE(daemon.ledger.stat().st_mode) == 0o600


@pytest.mark.parametrize("fault", ["api_error:code=104", "api_error:code=3,message=sig=emulated0secret"])
async def test_no_secret_is_shown_by_a_run_that_is_refused(start: Any, fault: str) -> None:
    settings = {f"ok__{name}": value for name, value in SECRETS.items()}
    emulator, daemon = await start(fault, settings=settings, **SECRETS)
    daemon.files([200 * KB])
    ended = await daemon.ends()
    assert ended.code == 3
    assert [secret for secret in secrets(emulator) if secret in ended.text] == []


def secrets(emulator: Any) -> list[str]:
    """The keys, and of each signed URL its path, its query and its signature, as given and unquoted."""
    found = [*SECRETS.values(), "emulated0secret", "upload.do"]
    for video in emulator.videos():
        query = video["upload_url"].partition("?")[2]
        signature = dict(part.split("=", 1) for part in query.split("&"))["sig"]
        found += [query, signature, unquote(signature)]
    return found

"""Whether a file is what a manifest promises."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from okdrop.drop import Drop
from okdrop.errors import SourceChanged
from okdrop.inbox.done import NOT_ASKED, Said
from okdrop.inbox.manifest import Promise
from okdrop.inbox.promised import broken_promise
from okdrop.inbox.revision import revision_at

if TYPE_CHECKING:
    from pathlib import Path

CONTENT = b"sixteen bytes ok" * 100_000


@pytest.fixture
def drop(tmp_path: Path) -> Drop:
    path = tmp_path / "clip.mp4"
    path.write_bytes(CONTENT)
    revision = revision_at(os.fsencode(path))
    assert revision is not None
    return Drop(path=os.fsencode(path), revision=revision, folder=str(tmp_path))


def promised(algorithm: str, content: bytes) -> Said:
    checksum = hashlib.new(algorithm, content).hexdigest()
    return Said(promise=Promise(algorithm=algorithm, checksum=checksum), by="LIST")


@pytest.mark.parametrize("algorithm", ["sha256", "md5"])
async def test_a_checksum_is_compared(drop: Drop, algorithm: str) -> None:
    assert await broken_promise(drop, promised(algorithm, CONTENT)) == ""
    broken = await broken_promise(drop, promised(algorithm, CONTENT[:-1] + b"!"))
    assert broken == f"its {algorithm} is not the one in LIST"


async def test_where_nothing_is_promised_nothing_is_broken(drop: Drop) -> None:
    assert await broken_promise(drop, NOT_ASKED) == ""
    assert await broken_promise(drop, Said(promise=Promise(size=len(CONTENT)))) == ""


async def test_a_size_is_compared(drop: Drop) -> None:
    assert "says 1 bytes" in await broken_promise(drop, Said(promise=Promise(size=1), by="LIST"))


async def test_a_file_that_changed_is_not_judged(drop: Drop) -> None:
    os.truncate(drop.path, len(CONTENT) - 1)
    with pytest.raises(SourceChanged):
        await broken_promise(drop, promised("sha256", CONTENT))

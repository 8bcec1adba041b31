"""What users did is known exactly: the truth that storms are judged by."""

from __future__ import annotations

import asyncio
import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from chaos import plan
from chaos.folder import Folder, digest, grown
from chaos.verdict import SMALLEST

if TYPE_CHECKING:
    from pathlib import Path

SIZE = 2 * SMALLEST


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    (tmp_path / "drop").mkdir()
    return Folder(tmp_path / "drop", tmp_path / "beside", seed=1)


def drop(name: bytes = b"a.mp4", content: int = 1, **more: object) -> plan.Drop:
    return plan.Drop(name=name, size=SIZE, content=content, **more)  # type: ignore[arg-type]


def lies(folder: Folder, name: bytes = b"a.mp4") -> str:
    with open(folder.path(name), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


async def everything(folder: Folder, *acts: plan.FileAct) -> None:
    for act in acts:
        assert folder.do(act)
        await folder.finish()


@pytest.mark.parametrize("way", ["rename", "hold", "reopen"])
async def test_what_is_dropped_is_expected(folder: Folder, way: str) -> None:
    await everything(folder, drop(way=way, pieces=3))
    assert lies(folder) == folder.expected[b"a.mp4"].sha256 == digest(grown(1, 1, SIZE))
    assert len(folder.complete) == (3 if way == "reopen" else 1)


async def test_what_a_writer_holds_open_is_complete_only_in_the_end(folder: Folder) -> None:
    assert folder.do(drop(way="hold", pieces=2, pause=0.05))
    await asyncio.sleep(0)
    assert folder.busy == {b"a.mp4"}
    assert not folder.complete
    assert not folder.do(plan.Touch(name=b"a.mp4"))
    await folder.finish()
    assert lies(folder) in folder.complete


async def test_every_act_leaves_what_it_says(folder: Folder) -> None:
    await everything(folder, drop(), plan.Rewrite(name=b"a.mp4", size=SIZE // 2, content=2))
    assert lies(folder) == folder.expected[b"a.mp4"].sha256 == digest(grown(1, 2, SIZE // 2))
    await everything(folder, plan.Truncate(name=b"a.mp4", part=0.5), plan.Touch(name=b"a.mp4"))
    assert lies(folder) == folder.expected[b"a.mp4"].sha256 == digest(grown(1, 2, SIZE // 2)[: SIZE // 4])
    await everything(
        folder, plan.Rename(name=b"a.mp4", to=b"sub/b.mp4"), plan.Twin(name=b"sub/b.mp4", to=b"c.mp4")
    )
    assert lies(folder, b"sub/b.mp4") == lies(folder, b"c.mp4")
    assert set(folder.expected) == {b"sub/b.mp4", b"c.mp4"}
    await everything(folder, plan.Delete(name=b"c.mp4"))
    assert set(folder.expected) == {b"sub/b.mp4"}
    assert len(folder.complete) == 3


async def test_a_file_that_was_put_away_is_left_alone(folder: Folder) -> None:
    await everything(folder, drop())
    os.unlink(folder.path(b"a.mp4"))
    for act in (
        plan.Rewrite(name=b"a.mp4", size=SIZE, content=2),
        plan.Rename(name=b"a.mp4", to=b"b.mp4"),
        plan.Truncate(name=b"a.mp4", part=0.5),
        plan.Touch(name=b"a.mp4"),
        plan.Delete(name=b"a.mp4"),
    ):
        assert not folder.do(act)
    assert folder.expected[b"a.mp4"].sha256 == digest(grown(1, 1, SIZE)), "it was there, and is looked for"


async def test_what_is_written_into_a_file_that_is_put_away_meanwhile_is_known(folder: Folder) -> None:
    await everything(folder, drop())
    assert folder.do(plan.Rewrite(name=b"a.mp4", size=SIZE, content=2))
    os.rename(folder.path(b"a.mp4"), folder.path(b"elsewhere"))
    await folder.finish()
    assert folder.overtaken == {digest(grown(1, 2, SIZE))} == {lies(folder, b"elsewhere")}

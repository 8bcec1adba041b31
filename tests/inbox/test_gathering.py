from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from okdrop.drop import Drop
from okdrop.inbox.gathering import described, gather
from okdrop.inbox.revision import revision_at
from okdrop.inbox.sidecars import look
from okdrop.metadata import Beside, Settings
from okdrop.metadata.media import NO_MEDIA

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "drop" / "talk.mp4"
    path.parent.mkdir()
    path.write_bytes(b"x")
    return path


@pytest.fixture
def ffprobe(tmp_path: Path) -> str:
    path = tmp_path / "probe"
    answer = json.dumps({"format": {"duration": "61", "tags": {"title": "Inside"}}})
    path.write_text(f"#!/bin/sh\ntouch '{path}.asked'\necho '{answer}'\n")
    path.chmod(0o755)
    return str(path)


def gathered(video: Path, **settings: Any) -> Beside:
    said = Settings(**settings)
    return gather(said, bytes(video), look(bytes(video), said.sidecars))


def test_a_file_is_not_looked_into_where_no_template_asks(video: Path, ffprobe: str, tmp_path: Path) -> None:
    assert gathered(video, ffprobe=ffprobe).media is NO_MEDIA
    assert not (tmp_path / "probe.asked").exists()
    assert gathered(video, ffprobe=ffprobe, title="{{ media.title }}").media.tags == {"title": "Inside"}


def test_a_video_behind_a_link_is_not_looked_into(video: Path, ffprobe: str, tmp_path: Path) -> None:
    (tmp_path / "watched").mkdir()
    (tmp_path / "watched" / "sub").symlink_to(video.parent)
    settings = Settings(ffprobe=ffprobe, title="{{ media.title }}")
    path = tmp_path / "watched" / "sub" / video.name
    found = gather(settings, bytes(path), (), folder=bytes(tmp_path / "watched"))
    assert found.media is NO_MEDIA
    assert found.remarks == ("a folder above it is a symbolic link, and those are not followed",)
    assert not (tmp_path / "probe.asked").exists()


@pytest.mark.parametrize("program", ["", "no-such-program"])
def test_without_the_program_a_template_that_asks_has_nothing_and_that_is_remarked(
    video: Path, program: str
) -> None:
    found = gathered(video, ffprobe=program, title="{{ media.title or stem }} {{ duration }}")
    assert found.media is NO_MEDIA
    (remark,) = found.remarks
    assert "not known" in remark


def test_everything_comes_together(video: Path, ffprobe: str) -> None:
    (video.parent / "talk.json").write_text('{"tags": ["a"]}')
    settings = Settings(title="{{ media.title }}, {{ duration | int }} s", ffprobe=ffprobe)
    revision = revision_at(bytes(video))
    assert revision is not None
    drop = Drop(path=bytes(video), revision=revision, folder=str(video.parent))
    beside = gather(settings, drop.path, look(drop.path, settings.sidecars))
    made = described(settings, drop, beside)
    assert (made.title, made.tags) == ("Inside, 61 s", ("a",))
    given = Drop(path=drop.path, revision=revision, folder=drop.folder, title="By hand")
    assert described(settings, given, beside).title == "By hand"

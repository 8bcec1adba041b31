"""Putting files away: no content is ever without a name, whatever comes in between."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import okdrop
from okdrop.errors import Trouble
from okdrop.inbox import filing, placing
from okdrop.inbox.errand import CAUGHT, PARTIAL, End, Errand
from okdrop.inbox.filing import give_up, put_away
from okdrop.inbox.lease import prepare
from okdrop.inbox.revision import revision_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CONTENT = bytes(range(256)) * 400
OTHER = b"another recording" * 6000
KEY = "7-5f"
MEMORY = "/dev/shm"  # noqa: S108 - another file system, of which every Linux has one


# --- real files ---------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def sigio_ignored() -> None:
    assert prepare()


@dataclasses.dataclass(frozen=True)
class Site:
    """A watched folder and a place to move to."""

    source: Path
    target: Path
    crosses: bool

    def errand(self, **changes: Any) -> Errand:
        revision = revision_at(os.fsencode(self.source))
        assert revision is not None
        errand = Errand(
            source=os.fsencode(self.source),
            revision=revision,
            digest=hashlib.blake2b(CONTENT, digest_size=32).digest(),
            key=KEY,
            target=os.fsencode(self.target),
        )
        return dataclasses.replace(errand, **changes)

    @property
    def caught(self) -> Path:
        return self.source.parent / os.fsdecode(CAUGHT + KEY.encode())

    @property
    def partial(self) -> Path:
        return self.target.parent / os.fsdecode(PARTIAL + KEY.encode())

    def names_of(self, content: bytes) -> list[str]:
        """Every name under which a file with this content lies."""
        folders = (self.source.parent, self.target.parent)
        found = (path for folder in folders for path in folder.iterdir() if path.is_file())
        return sorted(path.name for path in found if path.read_bytes() == content)


@pytest.fixture(params=["same file system", "another file system"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    crosses = request.param == "another file system"
    (tmp_path / "drop").mkdir()
    elsewhere = Path(tempfile.mkdtemp(dir=MEMORY if crosses else tmp_path))
    if crosses and elsewhere.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no other file system here")
    source = tmp_path / "drop" / "clip.mp4"
    source.write_bytes(CONTENT)
    os.utime(source, ns=(1_700_000_000_123_456_789, 1_700_000_000_123_456_789))
    source.chmod(0o640)
    yield Site(source, elsewhere / "kept.mp4", crosses)
    shutil.rmtree(elsewhere)


def go(errand: Errand) -> End:
    return put_away(errand, threading.Event())


def test_a_file_moves_with_its_times_and_its_mode_and_nothing_else_is_left(site: Site) -> None:
    assert go(site.errand()) is End.DONE
    status = site.target.stat()
    assert (site.target.read_bytes(), status.st_mode & 0o777) == (CONTENT, 0o640)
    assert status.st_mtime_ns == 1_700_000_000_123_456_789
    assert [*site.source.parent.iterdir()] == []
    assert [*site.target.parent.iterdir()] == [site.target]


def test_a_file_is_deleted_and_another_name_of_it_stays(site: Site) -> None:
    os.link(site.source, site.source.parent / "second name.mp4")
    assert go(site.errand(target=None)) is End.DONE
    assert site.names_of(CONTENT) == ["second name.mp4"]


def test_done_again_it_is_done_and_nothing_happens(site: Site) -> None:
    errand = site.errand()
    assert go(errand) is End.DONE
    assert go(errand) is End.DONE
    assert go(dataclasses.replace(errand, digest=None)) is End.DONE
    assert go(dataclasses.replace(errand, target=None)) is End.GONE


def test_nothing_is_overwritten(site: Site) -> None:
    errand = site.errand()
    site.target.write_bytes(OTHER)
    assert go(errand) is End.TAKEN
    assert (site.source.read_bytes(), site.target.read_bytes()) == (CONTENT, OTHER)


def test_a_file_of_the_same_size_at_the_target_is_somebody_elses(site: Site) -> None:
    errand = site.errand(digest=None)
    site.target.write_bytes(CONTENT[::-1])
    assert go(errand) is End.TAKEN
    assert (site.source.read_bytes(), site.target.read_bytes()) == (CONTENT, CONTENT[::-1])


def touch(path: Path) -> None:
    os.utime(path, ns=(1, 1))


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def replace_keeping_size_and_time(path: Path) -> None:
    status = path.stat()
    beside = path.with_name("beside")
    beside.write_bytes(CONTENT[::-1])
    os.utime(beside, ns=(status.st_atime_ns, status.st_mtime_ns))
    beside.rename(path)


def link_to_somewhere(path: Path) -> None:
    path.rename(path.with_name("real.mp4"))
    path.symlink_to("real.mp4")


def make_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "inside").write_bytes(OTHER)


CHANGES = [touch, append, replace_keeping_size_and_time, link_to_somewhere, make_a_folder]


def everything(site: Site) -> dict[str, object]:
    """What lies in both folders: names, kinds, contents and times."""
    found: dict[str, object] = {}
    for folder in (site.source.parent, site.target.parent):
        for path in folder.rglob("*"):
            content = path.read_bytes() if path.is_file() else None
            found[f"{folder.name}/{path.name}"] = content, path.is_symlink(), path.lstat().st_mtime_ns
    return found


@pytest.mark.parametrize("moves", [True, False])
@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_changed_since_is_left_alone(
    site: Site, change: Callable[[Path], None], *, moves: bool
) -> None:
    errand = site.errand() if moves else site.errand(target=None)
    change(site.source)
    before = everything(site)
    assert go(errand) is End.LEFT
    assert everything(site) == before


@pytest.mark.parametrize("moves", [True, False])
@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_changes_between_the_look_and_the_reach_is_put_back(
    site: Site, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None], *, moves: bool
) -> None:
    errand = site.errand() if moves else site.errand(target=None)
    rename, changed = os.rename, []

    def late(path: bytes, target: bytes) -> None:
        if path == errand.source and not changed:
            changed.append(path)
            change(site.source)
            changed.append(everything(site))
        rename(path, target)

    monkeypatch.setattr(os, "rename", late)
    end = go(errand)
    assert len(changed) == 2
    # A copy that was finished before the change stays: it is what was published, whole.
    assert end is (End.DONE if moves and site.crosses else End.LEFT)
    assert {name: what for name, what in everything(site).items() if "kept" not in name} == {
        name: what for name, what in changed[1].items() if "kept" not in name
    }
    assert not site.target.exists() or site.target.read_bytes() == CONTENT


def test_what_was_caught_by_mistake_gets_a_number_where_its_name_is_taken_meanwhile(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    errand, rename = site.errand(target=None), os.rename

    def late(path: bytes, target: bytes) -> None:
        if path != errand.source:
            rename(path, target)
            return
        site.source.write_bytes(OTHER)
        rename(path, target)
        site.source.write_bytes(OTHER[::-1])

    monkeypatch.setattr(os, "rename", late)
    assert go(errand) is End.LEFT
    assert site.source.read_bytes() == OTHER[::-1]
    assert (site.source.parent / "clip (2).mp4").read_bytes() == OTHER


@pytest.mark.parametrize("target", [True, False])
def test_a_file_that_a_writer_has_open_is_left_to_it(site: Site, *, target: bool) -> None:
    errand = site.errand() if target else site.errand(target=None)
    with site.source.open("r+b"), pytest.raises(Trouble) as caught:
        go(errand)
    assert caught.value.code == "file_in_use"
    assert site.names_of(CONTENT) == ["clip.mp4"]
    assert go(errand) is End.DONE


def test_a_writer_that_comes_as_the_file_is_caught_gets_it_back(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    errand, rename, writers = site.errand(target=None), os.rename, []

    def late(path: bytes, target: bytes) -> None:
        if path == errand.source:
            writers.append(site.source.open("r+b"))
        rename(path, target)

    monkeypatch.setattr(os, "rename", late)
    with pytest.raises(Trouble):
        go(errand)
    writers[0].close()
    assert site.names_of(CONTENT) == ["clip.mp4"]


def test_after_a_mount_renumbered_its_files_the_content_decides(site: Site) -> None:
    errand = site.errand()
    renumbered = dataclasses.replace(errand, revision=dataclasses.replace(errand.revision, inode=1, device=2))
    assert go(dataclasses.replace(renumbered, digest=None)) is End.LEFT  # nothing proves it
    assert go(dataclasses.replace(renumbered, digest=b"x" * 32)) is End.LEFT
    assert go(renumbered) is End.DONE


def test_two_mounts_of_one_device_are_copied_between(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "drop").mkdir()
    (tmp_path / "kept").mkdir()
    site = Site(tmp_path / "drop" / "clip.mp4", tmp_path / "kept" / "clip.mp4", crosses=True)
    site.source.write_bytes(CONTENT)
    link, landed = os.link, []

    def refuse(path: bytes, target: bytes, **options: Any) -> None:
        if os.path.dirname(path) != os.path.dirname(target):  # noqa: PTH120 - bytes
            raise OSError(errno.EXDEV, "Invalid cross-device link", path, None, target)
        landed.append(target)
        link(path, target, **options)

    monkeypatch.setattr(os, "link", refuse)
    assert go(site.errand()) is End.DONE
    assert landed == [os.fsencode(site.source), os.fsencode(site.target)]  # put back, then the copy
    assert [*site.source.parent.iterdir()] == []
    assert site.target.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.EACCES, "filing_denied"), (errno.ENOSPC, "filing_no_room"), (errno.EIO, "filing_failed")],
)
@pytest.mark.parametrize("call", ["rename", "link", "write", "fsync", "unlink"])
def test_whatever_the_disk_refuses_the_file_stays_whole_and_it_goes_on_later(
    site: Site, monkeypatch: pytest.MonkeyPatch, call: str, number: int, code: str
) -> None:
    errand = site.errand()
    with monkeypatch.context() as patch:

        def refuse(*_arguments: object, **_options: object) -> None:
            raise OSError(number, os.strerror(number), b"some where")

        patch.setattr(os, call, refuse)
        if call == "write" and not site.crosses:
            return
        with pytest.raises(Trouble) as trouble:
            go(errand)
    assert trouble.value.code == code
    assert site.names_of(CONTENT) != []
    assert go(errand) is End.DONE
    assert site.names_of(CONTENT) == ["kept.mp4"]
    assert len([*site.source.parent.iterdir(), *site.target.parent.iterdir()]) == 1


@pytest.mark.parametrize("refused", ["rename", "link"])
def test_trouble_names_the_place_and_not_a_hidden_name(
    site: Site, monkeypatch: pytest.MonkeyPatch, refused: str
) -> None:
    def refuse(path: bytes, target: bytes, **_options: object) -> None:
        raise OSError(errno.EIO, "Input/output error", path, None, target)

    monkeypatch.setattr(os, refused, refuse)
    with pytest.raises(Trouble) as trouble:
        go(site.errand())
    wanted = site.source if refused == "rename" else site.target
    assert str(trouble.value) == f"{wanted}: Input/output error"


@pytest.mark.parametrize(("denied", "call"), [("source", "rename"), ("target", "link")])
def test_what_is_denied_names_the_folder_that_has_to_be_opened(
    site: Site, monkeypatch: pytest.MonkeyPatch, denied: str, call: str
) -> None:
    folder: Path = getattr(site, denied).parent

    def refuse(path: bytes, target: bytes, **_options: object) -> None:
        raise OSError(errno.EACCES, "Permission denied", path, None, target)

    monkeypatch.setattr(os, call, refuse)
    monkeypatch.setattr(os, "access", lambda path, _mode: os.fsencode(path) != os.fsencode(folder))
    with pytest.raises(Trouble) as trouble:
        go(site.errand())
    assert trouble.value.code == "filing_denied"
    assert trouble.value.hint.startswith(f"let okdrop's user write to the folder {folder};")


def test_a_full_disk_is_named(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", refuse)
    if site.crosses:
        with pytest.raises(Trouble) as trouble:
            go(site.errand())
        assert str(trouble.value) == f"{site.target.parent}: No space left on device"


def test_a_target_that_was_made_though_the_answer_says_it_exists_is_ours(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NFS repeats a request whose answer was lost, and tells then that the name is taken."""
    link = os.link

    def twice(path: bytes, target: bytes, **options: Any) -> None:
        link(path, target, **options)
        link(path, target, **options)

    monkeypatch.setattr(os, "link", twice)
    assert go(site.errand()) is End.DONE
    assert site.names_of(CONTENT) == ["kept.mp4"]


def test_a_folder_that_may_not_be_written_costs_no_copy(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    if not site.crosses:
        return
    monkeypatch.setattr(os, "access", lambda *_: False)
    monkeypatch.setattr(placing, "copy", lambda *_: pytest.fail("copied"))
    with pytest.raises(Trouble) as trouble:
        go(site.errand())
    assert trouble.value.code == "filing_denied"


def test_a_copy_that_is_stopped_leaves_the_file_and_no_half(site: Site) -> None:
    stop = threading.Event()
    stop.set()
    errand = site.errand()
    assert put_away(errand, stop) is (End.STOPPED if site.crosses else End.DONE)
    assert len([*site.source.parent.iterdir(), *site.target.parent.iterdir()]) == 1


def test_content_that_changed_behind_its_times_is_not_moved_over_a_copy(site: Site) -> None:
    if site.crosses:
        assert go(site.errand(digest=b"x" * 32)) is End.LEFT
        assert site.names_of(CONTENT) == ["clip.mp4"]
        assert [*site.target.parent.iterdir()] == []


def test_given_up_nothing_hidden_stays(site: Site) -> None:
    errand = site.errand()
    site.partial.write_bytes(b"half")
    site.source.rename(site.caught)
    site.source.write_bytes(OTHER)
    give_up(errand)
    assert sorted(path.name for path in site.source.parent.iterdir()) == ["clip (2).mp4", "clip.mp4"]
    assert (site.source.parent / "clip (2).mp4").read_bytes() == CONTENT
    assert [*site.target.parent.iterdir()] == []
    give_up(errand)


# --- a loss of power before each touch of the disk ----------------------------------------------------


@pytest.mark.parametrize("kind", ["move", "move without a digest", "delete"])
def test_killed_before_any_touch_of_the_disk_a_file_is_whole_and_the_next_run_ends_it(
    site: Site, kind: str
) -> None:
    errand = site.errand()
    if kind != "move":
        errand = dataclasses.replace(errand, digest=None)
    if kind == "delete":
        errand = dataclasses.replace(errand, target=None)
    for number in itertools.count(1):
        died = dies(errand, number)
        assert kind == "delete" or site.names_of(CONTENT) != [], f"lost at {number}"
        if kind == "delete" and not site.names_of(CONTENT):
            assert not died or go(errand) is End.GONE
        else:
            assert go(errand) is End.DONE
        hidden = [path for path in (site.caught, site.partial) if path.exists()]
        assert hidden == [], f"litter after {number}"
        assert site.names_of(CONTENT) == ([] if kind == "delete" else ["kept.mp4"])
        if not died:
            break
        site.target.unlink(missing_ok=True)
        site.source.write_bytes(CONTENT)
        errand = dataclasses.replace(errand, revision=site.errand().revision)
    assert number > 3


def dies(errand: Errand, number: int) -> bool:
    """Whether it died; else it came to its end."""
    arguments = [
        errand.source,
        errand.target or b"",
        errand.key.encode(),
        (errand.digest or b"").hex().encode(),
        b"%d" % number,
    ]
    program = Path(__file__).with_name("dying.py")
    environment = os.environ | {"PYTHONPATH": str(Path(okdrop.__file__).parents[1])}
    code = subprocess.run([sys.executable, program, *arguments], env=environment, check=False).returncode
    assert code in {0, 9}
    return code == 9


def test_the_folders_of_a_target_are_made(tmp_path: Path) -> None:
    filing.make_folders(os.fsencode(tmp_path / "a" / "b" / "c.mp4"))
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Trouble):
        filing.make_folders(os.fsencode(tmp_path / "file" / "c.mp4"))

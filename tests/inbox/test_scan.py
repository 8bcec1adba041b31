import errno
import os
import socket
from collections.abc import Callable, Container, Iterator
from pathlib import Path

import pytest

from okdrop.inbox import walk
from okdrop.inbox.revision import revision_of
from okdrop.inbox.scan import (
    FolderMissing,
    FolderUnmarked,
    FolderUnmounted,
    FolderUnreadable,
    Scan,
    _deepest,
    look_at,
    scan,
)
from okdrop.inbox.walk import Found, Wanted
from okdrop.rules import Patterns, Rule, Rules

SUFFIXES = {".mp4", "mkv"}

HOSTILE = [
    b"new\nline.mp4",
    b"'quotes\" and `ticks`.mp4",
    b"not utf-8 \xff\xfe.mp4",
    b"x" * 251 + b".mp4",
    "\N{CLAPPER BOARD} ☂.mp4".encode(),
    b"-rf.mp4",
    b" .mp4",
    b"back\\slash*?[a].mp4",
]


def names_in(folder: Path, ignore: tuple[str, ...] = ()) -> list[bytes]:
    root = os.fsencode(folder)
    return sorted(
        os.path.relpath(one.path, root) for one in scan(root, suffixes=SUFFIXES, ignore=ignore).found
    )


def base_names(found: list[Found]) -> list[bytes]:
    return [one.path.rpartition(b"/")[2] for one in found]


def test_finds_videos_at_every_depth_with_their_revision(tmp_path: Path) -> None:
    video = tmp_path / "2024" / "may" / "a.mp4"
    video.parent.mkdir(parents=True)
    video.write_bytes(b"12345")
    result = scan(os.fsencode(tmp_path), suffixes=SUFFIXES, ignore=())
    [found] = result.found
    assert found.path == os.fsencode(video)
    assert found.revision == revision_of(video.stat())
    assert found.revision.size == 5
    assert result.problems == []


@pytest.mark.parametrize("name", ["a.MP4", "a.Mkv", "a.b.mp4", ".hidden.mp4"])
def test_takes_a_suffix_in_any_case_and_with_or_without_its_dot(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert names_in(tmp_path) == [name.encode()]


@pytest.mark.parametrize("name", ["a.txt", "mp4", ".mp4", "a.mp4.part", "amkv", "a.mp4~"])
def test_takes_no_other_names(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert names_in(tmp_path) == []


def test_what_is_mounted_on_demand_is_mounted_before_it_is_asked_which_folder_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An automount: what lies at the path is another folder from the moment on at which it is opened."""
    place, mounted = tmp_path / "drop", tmp_path / "mounted"
    place.mkdir()
    mounted.mkdir()
    (mounted / "a.mp4").touch()
    wanted = mounted.stat()
    really = os.open

    def open_as_an_automount(path: bytes, flags: int) -> int:
        if path == os.fsencode(place) and mounted.exists():
            place.rename(tmp_path / "place of the mount")
            mounted.rename(place)
        return really(path, flags)

    monkeypatch.setattr(walk.os, "open", open_as_an_automount)
    result = scan(os.fsencode(place), suffixes=SUFFIXES, ignore=())
    assert base_names(result.found) == [b"a.mp4"]
    assert result.folders == {os.fsencode(place): (wanted.st_dev, wanted.st_ino)}
    assert not result.is_empty


@pytest.mark.parametrize("name", HOSTILE)
def test_takes_any_bytes_for_a_name(tmp_path: Path, name: bytes) -> None:
    (tmp_path / os.fsdecode(name)).touch()
    assert names_in(tmp_path) == [name]


def test_passes_over_ignored_files_and_whole_ignored_folders(tmp_path: Path) -> None:
    for name in ("keep/a.mp4", "@Eadir/a.mp4", "keep/Sample-1.mp4", "keep/.~tmp.mp4"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    assert names_in(tmp_path, ignore=("@eaDir", "sample*", ".~*")) == [b"keep/a.mp4"]


def test_skips_whatever_is_no_regular_file_without_opening_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "folder.mp4" / "inner.mp4").touch()
    with socket.socket(socket.AF_UNIX) as listener:
        here = Path.cwd()
        os.chdir(tmp_path)  # the address of a socket is short
        try:
            listener.bind("socket.mp4")
        finally:
            os.chdir(here)
        assert names_in(tmp_path) == [b"folder.mp4/inner.mp4"]


def test_follows_no_link_below_the_folder(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "folder"
    outside.mkdir()
    folder.mkdir()
    (outside / "secret.mp4").touch()
    (folder / "own.mp4").touch()
    (folder / "file.mp4").symlink_to(outside / "secret.mp4")
    (folder / "folder").symlink_to(outside)
    (folder / "again.mp4").symlink_to(folder / "own.mp4")
    (folder / "loop").symlink_to(folder)
    (folder / "broken.mp4").symlink_to("nowhere")
    assert names_in(folder) == [b"own.mp4"]


def test_the_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.mp4").touch()
    (tmp_path / "link").symlink_to("real")
    assert names_in(tmp_path / "link") == [b"a.mp4"]


def test_oldest_first_and_then_by_path(tmp_path: Path) -> None:
    for name, seconds in (("c.mp4", 1), ("b.mp4", 3), ("a.mp4", 3), ("d.mp4", 2)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (seconds, seconds))
    found = scan(os.fsencode(tmp_path), suffixes=SUFFIXES, ignore=()).found
    assert base_names(found) == [b"c.mp4", b"d.mp4", b"a.mp4", b"b.mp4"]


@pytest.fixture
def abyss(tmp_path: Path) -> Iterator[Path]:
    """A folder 1,500 folders deep with a video at its bottom; too deep for shutil to clear away."""
    here = Path.cwd()
    os.chdir(tmp_path)
    for _ in range(1500):
        Path("d").mkdir()
        os.chdir("d")
    Path("a.mp4").touch()
    os.chdir(here)
    yield tmp_path
    os.chdir(os.fsencode(tmp_path) + b"/d" * 1500)
    Path("a.mp4").unlink()
    for _ in range(1500):
        os.chdir("..")
        Path("d").rmdir()
    os.chdir(here)


def test_a_tree_deeper_than_pythons_stack_is_walked(abyss: Path) -> None:
    assert names_in(abyss) == [b"d/" * 1500 + b"a.mp4"]


def test_a_folder_beyond_the_longest_path_is_a_problem_and_stops_nothing(tmp_path: Path) -> None:
    here = Path.cwd()
    os.chdir(tmp_path)
    try:
        Path("z.mp4").touch()
        for _ in range(20):
            Path("d" * 255).mkdir()
            os.chdir("d" * 255)
    finally:
        os.chdir(here)
    result = scan(os.fsencode(tmp_path), suffixes=SUFFIXES, ignore=())
    assert base_names(result.found) == [b"z.mp4"]
    assert [problem.reason for problem in result.problems] == [os.strerror(errno.ENAMETOOLONG)]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every folder, whatever its mode")
def test_an_unreadable_folder_is_a_problem_and_stops_nothing(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    (tmp_path / "a.mp4").touch()
    closed.chmod(0)
    result = scan(os.fsencode(tmp_path), suffixes=SUFFIXES, ignore=())
    closed.chmod(0o700)
    assert [one.path for one in result.found] == [os.fsencode(tmp_path / "a.mp4")]
    assert [problem.path for problem in result.problems] == [os.fsencode(closed)]


class Refusing:
    """Lists folders as the kernel does, but for one name it answers with an error."""

    def __init__(self, name: bytes, code: int) -> None:
        self.name, self.code = name, code
        self.list = os.scandir

    def __call__(self, folder: bytes) -> object:
        if folder.endswith(b"/" + self.name):
            raise OSError(self.code, os.strerror(self.code))
        return self.list(folder)


@pytest.mark.parametrize(
    ("code", "reasons"),
    [(errno.EACCES, ["Permission denied"]), (errno.EIO, ["Input/output error"]), (errno.ENOENT, [])],
)
def test_what_cannot_be_listed_is_told_and_what_vanished_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, reasons: list[str]
) -> None:
    """The kernel's refusals are invented here, since no permission stops root."""
    (tmp_path / "bad").mkdir()
    (tmp_path / "good").mkdir()
    (tmp_path / "good" / "a.mp4").touch()
    monkeypatch.setattr(walk.os, "scandir", Refusing(b"bad", code))
    result = scan(os.fsencode(tmp_path), suffixes=SUFFIXES, ignore=())
    assert base_names(result.found) == [b"a.mp4"]
    assert [problem.reason for problem in result.problems] == reasons


@pytest.mark.parametrize("name", ["nowhere", "file", "file/below"])
def test_a_missing_folder_is_an_error_with_a_hint(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FolderMissing, match=name) as caught:
        scan(os.fsencode(tmp_path / name), suffixes=SUFFIXES, ignore=())
    assert caught.value.code == "folder_missing"
    assert caught.value.hint


def test_a_folder_that_cannot_be_listed_is_not_an_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk.os, "scandir", Refusing(os.fsencode(tmp_path.name), errno.EACCES))
    with pytest.raises(FolderUnreadable) as caught:
        scan(os.fsencode(tmp_path), suffixes=SUFFIXES, ignore=())
    assert caught.value.code == "folder_unreadable"


def test_a_star_for_a_suffix_takes_every_file(tmp_path: Path) -> None:
    for name in ("README", "a.txt", "b.part"):
        (tmp_path / name).touch()
    found = scan(os.fsencode(tmp_path), suffixes=("*",), ignore=("*.part",)).found
    assert sorted(base_names(found)) == [b"README", b"a.txt"]


def test_a_mount_that_changes_while_its_folder_is_looked_through_spoils_the_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else an empty place would be taken for what was mounted there, and emptied."""
    for number in range(3):
        (tmp_path / f"{number}.mp4").touch()
    part = scan(os.fsencode(tmp_path), suffixes=SUFFIXES, ignore=(), at_most=2)
    assert part.rest is not None
    monkeypatch.setattr("okdrop.inbox.scan.identity_of", lambda _folder: (4000, 1))
    with pytest.raises(FolderUnmounted, match="another device than when the look began"):
        part.rest()


def test_the_room_that_is_left_is_known_once_all_was_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        (tmp_path / f"{number}.mp4").touch()
    part = scan(os.fsencode(tmp_path), suffixes=SUFFIXES, ignore=(), at_most=2)
    assert part.rest is not None
    assert part.free == -1
    whole, there = part.rest(), os.statvfs(tmp_path)
    assert 0 <= whole.free <= there.f_blocks * there.f_frsize

    def says_nothing(_folder: bytes) -> os.statvfs_result:
        raise OSError(errno.ENOSYS, "no answer")

    monkeypatch.setattr("okdrop.inbox.scan.os.statvfs", says_nothing)
    assert scan(os.fsencode(tmp_path), suffixes=SUFFIXES, ignore=()).free == -1


DEPTHS = [(0, [b"a.mp4"]), (1, [b"a.mp4", b"one/b.mp4"]), (2, [b"a.mp4", b"one/b.mp4", b"one/two/c.mp4"])]


@pytest.mark.parametrize(("depth", "found"), DEPTHS)
@pytest.mark.parametrize("by", ["a scan", "a hint"])
def test_no_deeper_than_is_asked_for(tmp_path: Path, depth: int, found: list[bytes], by: str) -> None:
    paths = [tmp_path / name for name in ("a.mp4", "one/b.mp4", "one/two/c.mp4", "one/two/three/d.mp4")]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    root = os.fsencode(tmp_path)
    if by == "a scan":
        seen = scan(root, suffixes=SUFFIXES, ignore=(), depth=depth)
    else:
        everything = [os.fsencode(path) for path in (*paths, *(path.parent for path in paths))]
        seen = look_at(root, everything, suffixes=SUFFIXES, ignore=(), depth=depth)
    assert sorted(os.path.relpath(one.path, root) for one in seen.found) == found
    assert len(seen.folders) == depth + 1, "what lies deeper is not even watched"


def test_the_root_itself_has_a_depth() -> None:
    assert _deepest(b"/", 0) == 0
    assert _deepest(b"/srv/drop", 2) == 4


# --- single paths -------------------------------------------------------------------------------------


def seen_at(folder: Path, *paths: Path, ignore: tuple[str, ...] = (".*",)) -> list[bytes]:
    root = os.fsencode(folder)
    result = look_at(root, map(os.fsencode, paths), suffixes=SUFFIXES, ignore=ignore)
    return sorted(os.path.relpath(one.path, root) for one in result.found)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Everything that may lie about in a folder."""
    root = tmp_path / "drop"
    for name in (
        "a.mp4",
        "b.txt",
        "deep/c.mp4",
        "deep/er/d.MKV",
        ".hidden/e.mp4",
        "deep/.f.mp4",
        "g.mp4/h.mp4",
    ):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "o.mp4").touch()
    (root / "out").symlink_to(outside, target_is_directory=True)
    (root / "round").symlink_to(root, target_is_directory=True)
    (root / "link.mp4").symlink_to(root / "a.mp4")
    os.mkfifo(root / "pipe.mp4")
    for name in HOSTILE:
        os.close(os.open(os.fsencode(root) + b"/" + name, os.O_CREAT))
    return root


def test_what_is_found_by_its_path_is_what_a_scan_finds(tree: Path) -> None:
    everything = [
        tree,
        *(
            Path(folder, name)
            for folder, folders, files in os.walk(tree, followlinks=True)
            for name in [*folders, *files]
            if len(folder) < 300
        ),
    ]
    for path in everything:
        names = seen_at(tree, path)
        assert set(names) <= set(names_in(tree, ignore=(".*",)))
    assert seen_at(tree, *everything) == names_in(tree, ignore=(".*",))


def test_a_folder_that_is_hinted_at_is_looked_through(tree: Path) -> None:
    assert seen_at(tree, tree / "deep") == [b"deep/c.mp4", b"deep/er/d.MKV"]
    result = look_at(os.fsencode(tree), [os.fsencode(tree / "deep")], suffixes=SUFFIXES, ignore=())
    assert set(result.folders) == {os.fsencode(tree / "deep"), os.fsencode(tree / "deep" / "er")}


@pytest.mark.parametrize(
    "name",
    [
        "out/o.mp4",
        "round/a.mp4",
        "link.mp4",
        "pipe.mp4",
        ".hidden/e.mp4",
        ".hidden",
        "out",
        "none.mp4",
        "a.mp4/none.mp4",
        "b.txt",
        "../outside/o.mp4",
    ],
)
def test_a_path_that_no_walk_would_come_by_is_passed_over(tree: Path, name: str) -> None:
    path = Path(os.path.normpath(tree / name)) if name.startswith("..") else tree / name
    assert seen_at(tree, path) == []


def test_a_scan_tells_its_folders_and_where_it_was(tree: Path, tmp_path: Path) -> None:
    result = scan(os.fsencode(tree), suffixes=SUFFIXES, ignore=(".*",))
    assert result.folders == {
        os.fsencode(tree / name): ((tree / name).stat().st_dev, (tree / name).stat().st_ino)
        for name in (".", "deep", "deep/er", "g.mp4")
    }
    assert result.device == tree.stat().st_dev
    assert not result.is_empty
    empty = tmp_path / "empty"
    empty.mkdir()
    assert scan(os.fsencode(empty), suffixes=SUFFIXES, ignore=()).is_empty


class Knows:
    """What is known by a function, at paths that were known before or not."""

    def __init__(
        self, knows: Callable[[bytes, os.stat_result], bool], expected: Container[bytes] = ()
    ) -> None:
        self.knows, self.expected = knows, expected

    def expects(self, path: bytes) -> bool:
        return path in self.expected

    def __call__(self, path: bytes, status: os.stat_result, /) -> bool:
        return self.knows(path, status)


def test_what_is_known_is_left_out(tree: Path) -> None:
    known = os.fsencode(tree / "a.mp4")
    asked: list[bytes] = []

    def knows(path: bytes, status: os.stat_result) -> bool:
        asked.append(path)
        return path == known and status.st_size == 5

    result = scan(os.fsencode(tree), suffixes=SUFFIXES, ignore=(".*",), known=Knows(knows))
    assert known in asked
    assert known not in {one.path for one in result.found}
    assert len(result.found) == len(asked) - 1


# --- a marker -----------------------------------------------------------------------------------------


def test_a_folder_without_its_marker_is_not_looked_through(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    folder = os.fsencode(tmp_path)
    with pytest.raises(FolderUnmarked, match=r"the marker \.here is not there"):
        scan(folder, suffixes=SUFFIXES, ignore=(), marker=".here")
    with pytest.raises(FolderUnmarked):
        look_at(folder, [folder + b"/a.mp4"], suffixes=SUFFIXES, ignore=(), marker=".here")
    (tmp_path / ".here").touch()
    assert len(scan(folder, suffixes=SUFFIXES, ignore=(), marker=".here").found) == 1
    assert len(look_at(folder, [folder + b"/a.mp4"], suffixes=SUFFIXES, ignore=(), marker=".here").found) == 1


def test_a_marker_may_be_anything_and_lie_deeper(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "here").symlink_to("nowhere")
    scan(os.fsencode(tmp_path), suffixes=SUFFIXES, ignore=(), marker="deep/here")


def test_a_marker_that_goes_while_the_folder_is_looked_through_spoils_the_look(tmp_path: Path) -> None:
    """It was unmounted in between: what was not found then says nothing."""
    (tmp_path / "a.mp4").touch()
    marker = tmp_path / ".here"
    marker.touch()

    def unmounted(_path: bytes, _status: os.stat_result) -> bool:
        marker.unlink()
        return False

    with pytest.raises(FolderUnmarked):
        scan(os.fsencode(tmp_path), suffixes=SUFFIXES, ignore=(), known=Knows(unmounted), marker=".here")


def test_a_folder_that_is_missing_is_missing_whatever_its_marker(tmp_path: Path) -> None:
    with pytest.raises(FolderMissing):
        scan(os.fsencode(tmp_path / "nowhere"), suffixes=SUFFIXES, ignore=(), marker=".here")


# --- the rules of a folder ----------------------------------------------------------------------------


def wanted(
    *, now: float = 0.0, take: tuple[str, ...] = (), leave: tuple[str, ...] = (), **rules: float
) -> Wanted:
    return Wanted(rules=Rules(take=Patterns(take), leave=Patterns(leave), **rules), now=now)  # type: ignore[arg-type]


def laid(tmp_path: Path, *names: str | bytes, size: int = 0) -> bytes:
    root = os.fsencode(tmp_path)
    for name in names:
        path = tmp_path / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(size))
    return root


def split(root: bytes, seen: Scan) -> tuple[set[bytes], dict[bytes, Rule]]:
    """What was found, and by which rule what was left; both by their paths below the folder."""
    found = {one.path[len(root) + 1 :] for one in seen.found}
    return found, {path[len(root) + 1 :]: left.rule for path, left in seen.left.items()}


def test_what_the_rules_leave_is_passed_over_and_told(tmp_path: Path) -> None:
    root = laid(tmp_path, "a.mp4", "a-proxy.mp4", "raw/b.mp4", "keep/raw.mp4", "a.mkv")
    rules = wanted(take=("*.mp4",), leave=("raw/", "*-proxy.*"))
    found, left = split(root, scan(root, suffixes=SUFFIXES, ignore=(), wanted=rules))
    assert found == {b"a.mp4", b"keep/raw.mp4"}
    assert left == {b"a-proxy.mp4": Rule.LEAVE, b"raw/": Rule.LEAVE, b"a.mkv": Rule.TAKE}


def test_into_a_folder_that_is_left_nobody_looks(tmp_path: Path) -> None:
    root = laid(tmp_path, "raw/deep/b.mp4", "a.mp4")
    seen = scan(root, suffixes=SUFFIXES, ignore=(), wanted=wanted(leave=("raw/",)))
    assert {*seen.folders} == {root}


@pytest.mark.parametrize(
    ("rules", "rule"),
    [
        ({"min_size": 101}, Rule.MIN_SIZE),
        ({"max_size": 99}, Rule.MAX_SIZE),
        ({"min_age": 61.0}, Rule.MIN_AGE),
        ({"max_age": 59.0}, Rule.MAX_AGE),
        ({"min_size": 100, "max_size": 100, "min_age": 60.0, "max_age": 60.0}, None),
    ],
)
def test_a_file_is_left_by_its_size_and_its_age(
    tmp_path: Path, rules: dict[str, float], rule: Rule | None
) -> None:
    root = laid(tmp_path, "a.mp4", size=100)
    os.utime(tmp_path / "a.mp4", (1000, 1000))
    found, left = split(root, scan(root, suffixes=SUFFIXES, ignore=(), wanted=wanted(now=1060.0, **rules)))
    assert (found, left) == (({b"a.mp4"}, {}) if rule is None else (set(), {b"a.mp4": rule}))


def test_a_single_path_is_judged_as_a_scan_would(tmp_path: Path) -> None:
    names = [b"a.mp4", b"raw/a.mp4", b"raw/deep/a.mp4", b"new\nline \xff-proxy.mp4", b"b \xff.mp4"]
    root = laid(tmp_path, *names)
    rules = wanted(leave=("/raw/", "*-proxy.*"))
    seen = scan(root, suffixes=SUFFIXES, ignore=(), wanted=rules)
    looked = look_at(root, [root + b"/" + name for name in names], suffixes=SUFFIXES, ignore=(), wanted=rules)
    assert split(root, looked)[0] == split(root, seen)[0] == {b"a.mp4", b"b \xff.mp4"}


def test_a_new_folder_that_is_left_is_not_looked_into(tmp_path: Path) -> None:
    root = laid(tmp_path, "raw/deep/a.mp4")
    for path in (root + b"/raw", root + b"/raw/deep"):
        seen = look_at(root, [path], suffixes=SUFFIXES, ignore=(), wanted=wanted(leave=("raw/",)))
        assert (seen.found, [*seen.folders]) == ([], [])


def test_what_is_left_is_told_in_parts_too(tmp_path: Path) -> None:
    root = laid(tmp_path, *(f"{number}.mp4" for number in range(25)))
    seen, parts, left = (
        scan(root, suffixes=SUFFIXES, ignore=(), wanted=wanted(min_size=1), at_most=10),
        1,
        set[bytes](),
    )
    left |= {*seen.left}
    while seen.rest is not None:
        seen = seen.rest()
        assert len(seen.left) <= 10
        left |= {*seen.left}
        parts += 1
    assert (len(left), parts) == (25, 3)

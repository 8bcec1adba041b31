"""Patterns of paths say what git would say of the same ones."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from okdrop.rules import BadPatternError, Patterns, check_pattern

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

names = st.text("aAb.", min_size=1, max_size=3).filter(lambda name: name.strip("."))
paths = st.lists(names, min_size=1, max_size=4).map("/".join)
pieces = st.one_of(
    names, st.sampled_from(["*", "?", "**", "*.a", "a*", "?b", "[ab]", "[!a]", "[^b]*", "\\a", "*b*"])
)


@st.composite
def lines(draw: st.DrawFn) -> str:
    """A pattern as a person may write it."""
    body = "/".join(draw(st.lists(pieces, min_size=1, max_size=3)))
    return f"{draw(st.sampled_from(['', '', '', '!']))}{draw(st.sampled_from(['', '', '/']))}{body}" + draw(
        st.sampled_from(["", "", "/"])
    )


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty repository whose git folds case, as we do."""
    if shutil.which("git") is None:
        pytest.skip("needs git")
    place = tmp_path_factory.mktemp("repository")
    subprocess.run(["git", "init", "--quiet", place], check=True, env=alone(place))
    subprocess.run(["git", "-C", place, "config", "core.ignoreCase", "true"], check=True, env=alone(place))
    return place


def alone(place: Path) -> dict[str, str]:
    """An environment in which git heeds nobody's settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return kept | {"HOME": str(place), "XDG_CONFIG_HOME": str(place), "GIT_CONFIG_NOSYSTEM": "1"}


def by_git(repository: Path, patterns: Sequence[str], wanted: Sequence[str]) -> dict[str, str | None]:
    """The pattern by which git ignores each path; None: it does not."""
    (repository / ".gitignore").write_text("".join(f"{line}\n" for line in patterns))
    answer = subprocess.run(
        [
            "git",
            "-C",
            repository,
            "check-ignore",
            "--no-index",
            "--stdin",
            "-z",
            "--verbose",
            "--non-matching",
        ],
        input="".join(f"{path}\0" for path in wanted),
        capture_output=True,
        text=True,
        check=False,
        env=alone(repository),
    )
    assert answer.returncode in {0, 1}, answer.stderr
    fields = answer.stdout.split("\0")[:-1]
    said = zip(fields[2::4], fields[3::4], strict=True)
    return {path: pattern if pattern and pattern[0] != "!" else None for pattern, path in said}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(lines(), min_size=1, max_size=4), st.lists(paths, min_size=1, max_size=12, unique=True))
def test_a_path_is_matched_exactly_where_git_ignores_it(
    repository: Path, patterns: list[str], wanted: list[str]
) -> None:
    made = Patterns(patterns)
    assert {path: made.matching(path) for path in wanted} == by_git(repository, patterns, wanted)


@given(st.lists(lines(), max_size=4), st.lists(paths, max_size=8, unique=True), st.randoms())
def test_what_is_said_of_a_path_does_not_hang_on_what_was_asked_before(
    patterns: list[str], wanted: list[str], chance: object
) -> None:
    made = Patterns(patterns)
    before = {path: made.matching(path) for path in wanted}
    chance.shuffle(wanted)  # type: ignore[attr-defined]  # hypothesis gives a Random
    assert {path: made.matching(path) for path in wanted} == before


@given(st.lists(lines(), max_size=4), st.lists(names, min_size=2, max_size=4))
def test_what_lies_in_a_matched_folder_is_matched_by_the_same_pattern(
    patterns: list[str], parts: list[str]
) -> None:
    """So a scan need not look into such a folder."""
    made = Patterns(patterns)
    pattern = made.matching("/".join(parts[:-1]) + "/")
    if pattern is not None:
        assert made.matching("/".join(parts)) == pattern


@pytest.mark.parametrize(
    ("lines", "path", "pattern"),
    [
        (["raw/"], "raw/a.mp4", "raw/"),
        (["raw/"], "raw", None),
        (["raw/", "!raw/a.mp4"], "raw/a.mp4", "raw/"),
        (["raw/*", "!raw/a.mp4"], "raw/a.mp4", None),
        (["raw/**", "!raw/a.mp4"], "raw/a.mp4", None),
        (["raw", "!day/"], "day/raw/a.mp4", "raw"),
        (["*/"], "day/a.mp4", "*/"),
        (["*/"], "a.mp4", None),
        (["/top.mp4"], "deep/top.mp4", None),
        (["*-PROXY.mp4"], "deep/clip-proxy.MP4", "*-PROXY.mp4"),
        (["*.mp4", "!keep.*"], "keep.mp4", None),
        (["a/**/z.mp4"], "a/b/c/z.mp4", "a/**/z.mp4"),
        (["\\#hash.mp4"], "#hash.mp4", "\\#hash.mp4"),
        (["day?.mp4"], os.fsdecode(b"day\xff.mp4"), "day?.mp4"),
        (["*.mp4"], "new\nline.mp4", "*.mp4"),
        (["x/*.mp4"], "x/new\nline.mp4", "x/*.mp4"),
        (["clip"], "clip\n", None),
        (["clip\udcff*"], os.fsdecode(b"CLIP\xff.mp4"), "clip\udcff*"),
        (["clip\udcfe*"], os.fsdecode(b"clip\xff.mp4"), None),
        (["Ä*.mp4"], "ä1.MP4", "Ä*.mp4"),
        (["deep/**/a.mp4"], "deep/fol\nder/x/a.mp4", "deep/**/a.mp4"),
        ([], "a.mp4", None),
    ],
)
def test_which_pattern_matches(lines: list[str], path: str, pattern: str | None) -> None:
    assert Patterns(lines).matching(path) == pattern


STARS = ["*_*_*_*_*_*.mp4", "*_*_*_*_*_*.mkv"]


def test_a_name_that_was_chosen_for_it_costs_no_time() -> None:
    """An engine that tries one way after the other takes 19 seconds here, and years for 60 stars."""
    made = Patterns([*STARS, f"{'*_' * 60}x*.mp4"])
    assert made.matching("_" * 120) is None
    assert made.matching("_" * 120 + ".mp4") == STARS[0]
    assert made.matching("_" * 120 + ".MKV") == STARS[1]


def test_many_stars_match_as_those_of_git(repository: Path) -> None:
    """A short name: git, too, tries one way after the other."""
    wanted = ["_____.mp4", "____.mp4", "a_b_c_d_e_f.MKV", "a/______.mp4", "______.mp4/b", "_____.mp"]
    made = Patterns(STARS)
    assert {path: made.matching(path) for path in wanted} == by_git(repository, STARS, wanted)


@pytest.mark.parametrize("line", ["[z-a]", "[[:alpha:]]x"])
def test_what_the_engine_does_not_read_is_refused_in_words(
    line: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(BadPatternError, match="is no pattern"):
        check_pattern(line)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("line", ["", " ", "#note", "/", "!", "!/", "a\nb", "a\0b", "a\\", "//"])
def test_what_can_match_nothing_is_no_pattern(line: str) -> None:
    with pytest.raises(BadPatternError):
        check_pattern(line)


@given(st.text(max_size=12))
def test_any_text_is_a_pattern_or_refused(line: str) -> None:
    with contextlib.suppress(BadPatternError):
        Patterns([check_pattern(line)]).matching("a/b.mp4")


def test_patterns_are_equal_by_their_lines() -> None:
    assert Patterns(["a"]) == Patterns(("a",))
    assert Patterns(["a"]) != Patterns(["b"])
    assert hash(Patterns(["a"])) == hash(Patterns(["a"]))
    assert not Patterns()

"""One sidecar's bytes: whatever they are, they say something, or what is wrong with them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okdrop.metadata import KINDS, Privacy, sidecar
from okdrop.metadata.sidecar import LARGEST, MOST_CONTAINERS, read_sidecar

SAID = {
    "json": b'{"title": "T", "tags": ["a"]}',
    "info.json": b'{"title": "T", "tags": ["a"]}',
    "toml": b'title = "T"\ntags = ["a"]\n',
    "nfo": b"<movie><title>T</title><tag>a</tag></movie>",
}


@pytest.mark.parametrize("kind", SAID)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_each_kind_is_read_in_each_encoding(kind: str, encoding: str) -> None:
    said = read_sidecar(kind, SAID[kind].decode().encode(encoding))
    assert (said.title, said.tags, said.problems) == ("T", ("a",), ())


def test_a_text_is_a_description_and_nothing_else() -> None:
    said = read_sidecar("txt", "\ufeff  Über uns\n\nzwei\n".encode())
    assert (said.title, said.description) == ("", "Über uns\n\nzwei")
    assert read_sidecar("txt", b" \n").description == ""


@pytest.mark.parametrize(
    ("kind", "raw", "words"),
    [
        ("json", b"", "no JSON: line 1, column 1"),
        ("json", b'{"title": "T"', "no JSON: line 1"),
        ("json", b"[]", "must hold a table of keys, and holds a list"),
        ("json", b"null", "holds nothing"),
        ("json", b'{"a": ' + b"9" * 5000 + b"}", "a number is too long"),
        ("json", b"[" * 15_000, "nested too deeply"),
        ("json", b"[]," * (MOST_CONTAINERS + 1), "lists and tables"),
        ("json", b'{"title": "\xff"}', "not UTF-8"),
        ("json", b'{"title": "\x00"}', "no text"),
        ("json", "{}".encode("utf-16")[:-1], "not UTF-8"),
        ("toml", b"title = ", "no TOML"),
        ("toml", b"a = " + b"[" * 5000, "nested too deeply|no TOML"),
        ("toml", b"a." * 10_000 + b"a = 1", "dots"),
        ("toml", b"date = 2026-02-31", "no TOML"),
        ("toml", b"\xd2\xe5\xef = 1", "not UTF-8"),
        ("toml", b"a = " + b"9" * 5000, "a number"),
        ("txt", b"\xd2\xe5\xec\xe0", "not UTF-8"),
        ("txt", b"MZ\0\0", "no text"),
        ("nfo", b"<movie><title>", "no XML"),
    ],
)
def test_what_cannot_be_read_is_told_in_words(kind: str, raw: bytes, words: str) -> None:
    (problem,) = read_sidecar(kind, raw).problems
    assert problem.startswith("it ")
    assert any(word in problem for word in words.split("|"))
    assert len(problem) < 300


def test_a_message_of_the_parser_ends_where_its_sentence_does() -> None:
    (problem,) = read_sidecar("json", b'{"title": "a\nb"}').problems
    assert problem == "it is no JSON: line 1, column 13: Invalid control character"


def test_notes_of_a_release_are_passed_over() -> None:
    said = read_sidecar("nfo", b"\xdc\xdb\xdb RELEASE NOTES")
    assert said.problems == ()
    assert said.remarks == ("it is not Kodi's, and passed over",)


json_trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["title", "description", "tags", "privacy", "snippet", "status", "date", "x"]),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)


@given(
    st.sampled_from(KINDS), st.binary(max_size=200) | json_trees.map(lambda tree: json.dumps(tree).encode())
)
def test_any_bytes_say_something_or_what_is_wrong(kind: str, raw: bytes) -> None:
    said = read_sidecar(kind, raw)
    assert isinstance(said.title, str)
    assert all(isinstance(tag, str) for tag in said.tags)
    assert all(problem.isprintable() for problem in said.problems)


def test_every_kind_has_its_bound() -> None:
    assert {*LARGEST} == {*KINDS}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", KINDS)
def test_the_worst_of_the_largest_takes_no_time_to_speak_of(kind: str) -> None:
    room = LARGEST[kind]
    for piece in (b"a.b.", b"[a]\n", b"a=1\n", b'"', b"\\", b"{", b"<movie>", b"&a;", b"\n" * 4, b"[[a]]\n"):
        read_sidecar(kind, piece * (room // len(piece)))
    dotted = b"".join(b".".join([b"a"] * 400) + b"%d=1\n" % number for number in range(80))
    read_sidecar(kind, dotted[:room])


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"title = %b", "title is too long a number"),
        (b"description = %b", "description is too long a number"),
        (b"date = %b", "date is too long a number"),
        (b"tags = [%b]", "tags must be a list of texts, and one of them is too long a number"),
        (b"privacy = %b", 'privacy must be "PUBLIC" or "FRIENDS", and is a number'),
    ],
)
def test_a_number_with_more_digits_than_can_be_written_out_is_told(line: bytes, words: str) -> None:
    said = read_sidecar("toml", line % (b"0x" + b"f" * 5000))
    assert said.problems == (words,)


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_a_reader_trips_over_is_the_fault_of_its_sidecar(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trip(_: bytes) -> None:
        raise ZeroDivisionError("of its own")

    monkeypatch.setitem(sidecar._READERS, kind, trip)  # type: ignore[index]
    assert read_sidecar(kind, b"").problems == ("it cannot be understood: of its own",)


@pytest.mark.parametrize("name", ["privacy", "Privacy"])
def test_a_kodi_file_may_make_a_video_more_private_and_nothing_else(name: str) -> None:
    private = read_sidecar("nfo", f"<movie><title>T</title><{name}>FRIENDS</{name}></movie>".encode())
    assert (private.title, private.privacy, private.remarks) == ("T", Privacy.FRIENDS, ())
    for word in ("PUBLIC", "nobody"):
        said = read_sidecar("nfo", f"<movie><{name}>{word}</{name}></movie>".encode())
        assert (said.privacy, said.problems) == (None, ())
        assert said.remarks == ("privacy is heeded in a .nfo only where it says FRIENDS",)

from __future__ import annotations

import pytest

from okdrop.metadata.nfo import BadNfoError, NotKodiError, read_nfo

MOVIE = """<?xml version="1.0" encoding="{}" standalone="yes"?>
<movie>
  <title>Ёлки</title><plot>A &amp; B</plot><genre>Comedy</genre><genre>Drama</genre><tag>new</tag>
  <premiered>2026-11-27</premiered><actor><name>Someone</name><title>no title of the film</title></actor>
  <status>Ended</status><runtime>90</runtime>
</movie>"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "windows-1251"])
def test_a_film_in_any_encoding_that_it_names(encoding: str) -> None:
    tree = read_nfo(MOVIE.format(encoding.removesuffix("-sig")).encode(encoding))
    assert (tree["title"], tree["description"], tree["date"]) == ("Ёлки", "A & B", "2026-11-27")
    assert tree["tags"] == ["new", "Comedy", "Drama"]
    assert tree["runtime"] == "90"
    assert "status" not in tree


@pytest.mark.parametrize(
    "tail", ["\nhttps://www.themoviedb.org/movie/1", "<movie><title>Second</title></movie>"]
)
def test_what_follows_the_first_element_is_not_read(tail: str) -> None:
    assert (
        read_nfo(f"<episodedetails><title>First</title></episodedetails>{tail}".encode())["title"] == "First"
    )


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"https://www.imdb.com/title/tt1",
        b"\xdc\xdb scene \xdb\xdc",
        b"<html><title>T</title></html>",
        b"<other/>",
    ],
)
def test_other_files_of_that_name_are_not_kodis(raw: bytes) -> None:
    with pytest.raises(NotKodiError):
        read_nfo(raw)


BOMB = b'<!DOCTYPE m [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><movie><title>&b;</title></movie>'
OUTSIDE = b'<!DOCTYPE movie SYSTEM "http://127.0.0.1:1/x.dtd"><movie><title>T</title></movie>'
PASSWD = b'<!DOCTYPE m [<!ENTITY x SYSTEM "file:///etc/passwd">]><movie><title>&x;</title></movie>'


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (BOMB, "document type"),
        (OUTSIDE, "document type"),
        (PASSWD, "document type"),
        (b"<movie><title>&nothing;</title></movie>", "no XML: line 1: undefined entity"),
        (b"<movie><title>T</movie>", "no XML: line 1: mismatched tag"),
        (b"<movie><title>T", "no XML"),
        (b"<movie>" + b"<a>" * 100_000, "50 deep"),
        (b'<?xml version="1.0" encoding="nothing"?><movie/>', "encoding"),
        (b"<movie>\xff\xfe</movie>", "no XML"),
    ],
)
def test_what_cannot_be_read_is_told_and_nothing_is_expanded(raw: bytes, words: str) -> None:
    with pytest.raises(BadNfoError, match=words):
        read_nfo(raw)

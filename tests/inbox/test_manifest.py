"""What a manifest says of which file, in whichever of the usual forms it is written."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okdrop.inbox.manifest import Promise, parse

SHA, MD5 = "0123456789abcdef" * 4, "fedcba9876543210" * 2
BY_SHA = Promise(algorithm="sha256", checksum=SHA)
BY_MD5 = Promise(algorithm="md5", checksum=MD5)


@pytest.mark.parametrize(
    ("line", "name", "promise"),
    [
        (f"{SHA}  a.mp4", b"a.mp4", BY_SHA),
        (f"{SHA} *a.mp4", b"a.mp4", BY_SHA),
        (f"{SHA.upper()}  a.mp4", b"a.mp4", BY_SHA),
        (f"{SHA}  a.mp4\r", b"a.mp4", BY_SHA),
        (f"{SHA}   a.mp4", b" a.mp4", BY_SHA),
        (f"{MD5}  deep/a.mp4", b"deep/a.mp4", BY_MD5),
        (f"{SHA}  ./deep/a.mp4", b"deep/a.mp4", BY_SHA),
        (f"\\{SHA}  new\\nline\\\\.mp4", b"new\nline\\.mp4", BY_SHA),
        (f"{SHA}  back\\slash.mp4", b"back\\slash.mp4", BY_SHA),
        (f"SHA256 (a (1).mp4) = {SHA}", b"a (1).mp4", BY_SHA),
        (f"MD5 (a.mp4) = {MD5}", b"a.mp4", BY_MD5),
        ("a.mp4", b"a.mp4", Promise()),
        ("a.mp4\t12345", b"a.mp4", Promise(size=12345)),
        ("2024 party.mp4", b"2024 party.mp4", Promise()),
        ("a.mp4\tb.mp4", b"a.mp4\tb.mp4", Promise()),
    ],
)
def test_each_form_of_a_line(line: str, name: bytes, promise: Promise) -> None:
    read = parse(line.encode() + b"\n")
    assert (dict(read.promises), read.last) == ({name: promise}, b"")


@pytest.mark.parametrize("text", [b"", b"\n\n", b"# a note\n", b"   \n", b"\r\n"])
def test_what_lists_nothing(text: bytes) -> None:
    assert dict(parse(text).promises) == {}


def test_a_last_line_without_an_end_is_known_as_such() -> None:
    read = parse(b"a.mp4\nb.mp")
    assert {*read.promises} == {b"a.mp4", b"b.mp"}
    assert read.last == b"b.mp"


def test_a_last_line_without_an_end_takes_nothing_back() -> None:
    read = parse(f"{SHA}  a.mp4\na.mp4".encode())
    assert (read.promises[b"a.mp4"], read.last) == (BY_SHA, b"")


def test_what_is_said_last_of_a_name_holds() -> None:
    assert parse(b"a.mp4\t1\na.mp4\t2\n").promises[b"a.mp4"].size == 2


@given(st.binary(max_size=300))
def test_any_bytes_are_a_manifest(text: bytes) -> None:
    read = parse(text)
    assert not read.last or read.last in read.promises


@pytest.mark.parametrize("tool", [["sha256sum"], ["md5sum"], ["sha256sum", "--tag"], ["md5sum", "--binary"]])
def test_what_the_usual_tools_write_is_read(tmp_path: Path, tool: list[str]) -> None:
    if shutil.which(tool[0]) is None:
        pytest.skip(f"needs {tool[0]}")
    wanted = [b"plain.mp4", b"two  blanks.mp4", b"new\nline.mp4", b"back\\slash.mp4", b"\xff.mp4", b"#a.mp4"]
    for name in wanted:
        (Path(tmp_path) / name.decode("utf-8", "surrogateescape")).write_bytes(name)
    written = subprocess.run(
        [*(part.encode() for part in tool), b"--", *wanted], cwd=tmp_path, capture_output=True, check=True
    )
    algorithm = tool[0].removesuffix("sum")
    expected = {
        name: Promise(algorithm=algorithm, checksum=hashlib.new(algorithm, name).hexdigest())
        for name in wanted
    }
    assert dict(parse(written.stdout).promises) == expected

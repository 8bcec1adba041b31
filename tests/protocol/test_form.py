from __future__ import annotations

import email.parser
import email.policy
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from okdrop.protocol.form import Form

NAMES = [
    'Кот "1"\r\n.mp4',
    'a"; name="other.mp4',
    "a\\",
    'a\\".mp4',
    "x\r\n\r\n<script>.mp4",
    "\x00\x1b[31m\x7f\x85\u2028\u202e.mp4",
    "\udcff\ud800.mp4",
    "\U0001f600" * 63,
    "",
]


def parsed(form: Form, data: bytes) -> email.message.EmailMessage:
    """The form as the standard library's parser of mail reads it; it shares nothing with ours."""
    head = f"Content-Type: {form.content_type}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(
        head + form.head + data + form.tail
    )
    assert isinstance(message, email.message.EmailMessage)
    return message


@given(st.text(), st.binary(max_size=200))
@example("a.mp4", b"\r\n--")
@example("a.mp4", b"")
def test_whatever_the_name_it_is_one_part_with_exactly_the_files_bytes(name: str, data: bytes) -> None:
    form = Form.around(name, secret="https://vu.okcdn.ru/upload.do?sig=1")
    message = parsed(form, data)
    assert message.is_multipart()
    (part,) = message.iter_parts()
    assert part.get_payload(decode=True) == data
    assert sorted(key.lower() for key in part) == ["content-disposition", "content-type"]
    assert part.get_content_disposition() == "form-data"
    assert part.get_param("name", header="content-disposition") == "data"
    assert not part.defects
    assert form.length(len(data)) == len(form.head + data + form.tail)


@pytest.mark.parametrize("name", NAMES)
def test_no_name_breaks_out_of_its_quotes(name: str) -> None:
    head = Form.around(name, secret="s").head
    lines = head.split(b"\r\n")
    assert len(lines) == 5
    assert lines[3:] == [b"", b""]
    assert re.fullmatch(
        rb'Content-Disposition: form-data; name="data"; filename="[^"\\\x00-\x1f\x7f]*"', lines[1]
    )
    head.decode("utf-8")


def test_a_name_is_written_as_browsers_write_it() -> None:
    assert b'filename="%22%0D%0A%5C.mp4"' in Form.around('"\r\n\\.mp4', secret="s").head
    assert 'filename="Закат 100%.mp4"'.encode() in Form.around("Закат 100%.mp4", secret="s").head


def test_the_boundary_is_the_tickets_own_and_tells_nothing_of_it() -> None:
    secret = "https://vu.okcdn.ru/upload.do?sig=SIGNATURE"
    form = Form.around("a.mp4", secret=secret)
    assert form == Form.around("a.mp4", secret=secret)
    assert form.boundary != Form.around("a.mp4", secret=f"{secret}1").boundary
    assert "SIGNATURE" not in form.boundary
    assert re.fullmatch(r"[0-9A-Za-z-]{20,70}", form.boundary), "RFC 2046, 5.1.1"
    assert form.boundary not in repr(form)

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okdrop.drop import Mode
from okdrop.protocol.messages import (
    Account,
    Complete,
    FileAnswer,
    Form,
    Held,
    NothingYet,
    ProbeAnswer,
    RangeRefused,
    Refused,
    SegmentAnswer,
    ServerTrouble,
    Stored,
    Unclear,
    UrlDead,
    WrongTotal,
)
from okdrop.protocol.ranges import ByteRange, ByteRanges
from okdrop.protocol.wire import (
    probe_headers,
    read_file_answer,
    read_probe_answer,
    read_segment_answer,
    segment_headers,
)

TOTAL = 1000
BETWEEN = "somebody between answers in the host's place"
FIRST = Account(ByteRanges.prefix(100))
ISLANDS = Account(ByteRanges.of([ByteRange(0, 100), ByteRange(200, 300)]))


def last_byte(count: int) -> Account:
    return Account(ByteRanges.prefix(count), Form.LAST_BYTE)


ACCOUNTS = [
    ({}, b"0-99/1000", FIRST),
    ({}, b"0-99/1000,200-299/1000", ISLANDS),
    ({}, b"0-99/1000\n200-299/1000\n", ISLANDS),
    ({"Range": "bytes=0-99,200-299"}, b"", ISLANDS),
    ({"range": "0-99/1000,200-299/1000"}, b"0-99/1000", ISLANDS),
    ({"Range": "bytes 0-99/1000"}, b"<html>", FIRST),
    ({"X-Last-Known-Byte": "99"}, b"", last_byte(100)),
    ({"x-last-known-byte": "0"}, b"", last_byte(1)),
    ({"X-Last-Known-Byte": "-1"}, b"", last_byte(0)),
    ({"X-Last-Known-Byte": ""}, b"", last_byte(0)),
    ({}, b"100", Account(ByteRanges.prefix(100), Form.COUNT)),
    ({}, b"0\n", Account(ByteRanges(), Form.COUNT)),
    ({}, b"1000", Account(ByteRanges.prefix(1000), Form.COUNT)),
    ({}, b'{"ranges": "0-99/1000"}', FIRST),
    ({}, b'{"ranges": ["0-99", "200-299"], "size": 1000, "last_known_byte": 99}', ISLANDS),
    ({}, b' {"state": "RECEIVING", "size": 1000, "lastKnownByte": 99}', last_byte(100)),
    ({}, b'{"last_known_byte": "-1"}', last_byte(0)),
]
UNREADABLE = [
    ({}, b'{"ranges": "who knows"}'),
    ({}, b'{"ranges": [[0, 99]]}'),
    ({}, b'{"ranges": []}'),
    ({}, b'{"size": 100}'),
    ({}, b'{"last_known_byte": null}'),
    ({}, b'{"last_known_byte": 1000}'),
    ({}, b"[[0, 99]]"),
    ({}, b"hello"),
    ({}, b"\xff\xfe\x00"),
    ({}, b"1001"),
    ({}, b"990-1000"),
    ({"Range": "bytes=0-1000"}, b""),
    ({"Range": "who knows"}, b"0-99/1000"),
    ({"X-Last-Known-Byte": "1000"}, b""),
    ({"X-Last-Known-Byte": "-2"}, b""),
    ({"X-Last-Known-Byte": "99, 98"}, b""),
]


@pytest.mark.parametrize(("headers", "body", "account"), ACCOUNTS)
def test_an_account_is_read_in_every_form(headers: dict[str, str], body: bytes, account: Account) -> None:
    assert read_probe_answer(200, headers, body, TOTAL) == Held(account)
    assert read_segment_answer(201, headers, body, TOTAL) == Stored(account)
    assert read_segment_answer(416, headers, body, TOTAL) == RangeRefused(account)


@pytest.mark.parametrize(("headers", "body"), UNREADABLE)
def test_an_unreadable_account_is_none_and_never_nothing(headers: dict[str, str], body: bytes) -> None:
    assert isinstance(read_probe_answer(200, headers, body, TOTAL), Unclear)
    assert read_segment_answer(201, headers, body, TOTAL) == Stored(None)
    assert read_segment_answer(416, headers, body, TOTAL) == RangeRefused(None)


@pytest.mark.parametrize(
    ("headers", "body", "named"),
    [({}, b"0-99/999", 999), ({"Range": "0-99/2000"}, b"", 2000), ({"Range": "bytes 0-99/100"}, b"", 100)],
)
@pytest.mark.parametrize("status", [200, 201, 416])
def test_an_account_of_another_size_is_not_ours(
    status: int, headers: dict[str, str], body: bytes, named: int
) -> None:
    assert read_probe_answer(status, headers, body, TOTAL) == WrongTotal(named)
    assert read_segment_answer(status, headers, body, TOTAL) == WrongTotal(named)


PROBES = [
    (200, {}, b"", Held(Account(ByteRanges()))),
    (404, {}, b"", NothingYet()),
    (404, {"X-Reason": "no such upload"}, b"", NothingYet("no such upload")),
    (416, {}, b"", NothingYet()),
    (416, {"X-Last-Known-Byte": "99"}, b"", Held(last_byte(100))),
    (416, {"X-Last-Known-Byte": "junk"}, b"", Unclear(416, "an account in an unknown form")),
    (400, {}, b"", UrlDead(400)),
    (403, {"x-reason": "expired"}, b"", UrlDead(403, "expired")),
    (410, {}, b"0-99/1000", UrlDead(410)),
    (412, {}, b"", Refused(412)),
    (415, {}, b"", Refused(415)),
    (302, {"Location": "https://elsewhere.example/"}, b"", ServerTrouble(302, BETWEEN)),
    (407, {}, b"", ServerTrouble(407, BETWEEN)),
    (200, {}, b"<html>an outage</html>", ServerTrouble(200, "a page where an account was due")),
    (200, {"Retry-After": "8"}, b'{"error_code": 2}', ServerTrouble(200, "an error object", 8.0)),
    (200, {}, b'{"ranges": "0-99", "size": 999}', WrongTotal(999)),
    (500, {}, b"", ServerTrouble(500)),
    (503, {"Retry-After": "7"}, b"", ServerTrouble(503, "", 7.0)),
    (429, {"retry-after": "999999999"}, b"", ServerTrouble(429, "", 86400.0)),
    (408, {"Retry-After": "soon"}, b"", ServerTrouble(408)),
]


@pytest.mark.parametrize(("status", "headers", "body", "expected"), PROBES)
def test_a_probes_answer(status: int, headers: dict[str, str], body: bytes, expected: ProbeAnswer) -> None:
    assert read_probe_answer(status, headers, body, TOTAL) == expected


SEGMENTS = [
    (200, {}, b"", Complete()),
    (200, {}, b"<retval>1</retval>", Complete()),
    (200, {}, b"0-999/1000", Complete(Account(ByteRanges.prefix(1000)))),
    (200, {"X-Last-Known-Byte": "99"}, b"", Complete(last_byte(100))),
    (200, {}, b'{"video_id": 5}', Complete()),
    (201, {}, b"", Stored()),
    (404, {}, b"", UrlDead(404)),
    (403, {}, b"", UrlDead(403)),
    (416, {}, b"", RangeRefused()),
    (412, {}, b"", Refused(412)),
    (301, {}, b"", ServerTrouble(301, BETWEEN)),
    (502, {}, b"<html>", ServerTrouble(502)),
    (200, {}, b'{"error_code": 100, "error_msg": "PARAM : bad"}', Refused(200, "PARAM : bad")),
    (200, {}, b'{"error": "expired", "error_descr": "too late"}', Refused(200, "too late")),
    (200, {}, b'{"error_code": 9999}', ServerTrouble(200, "an error object")),
    (200, {}, b'{"error_code": 0}', Complete()),
    (200, {}, b"{" * 5000, Complete()),
]


@pytest.mark.parametrize(("status", "headers", "body", "expected"), SEGMENTS)
def test_a_segments_answer(
    status: int, headers: dict[str, str], body: bytes, expected: SegmentAnswer
) -> None:
    assert read_segment_answer(status, headers, body, TOTAL) == expected


@pytest.mark.parametrize(("status", "body"), [(200, b"<html>log in to the wifi"), (204, b""), (202, b"")])
def test_a_success_nobody_documents_acknowledges_nothing(status: int, body: bytes) -> None:
    assert isinstance(read_segment_answer(status, {}, body, TOTAL), ServerTrouble)


def test_a_date_to_retry_after_is_measured_by_the_servers_own_clock() -> None:
    headers = {"Date": "Sun, 06 Nov 1994 08:49:37 GMT", "Retry-After": "Sun, 06 Nov 1994 08:50:07 GMT"}
    assert read_probe_answer(503, headers, b"", TOTAL) == ServerTrouble(503, "", 30.0)
    del headers["Date"]
    assert read_probe_answer(503, headers, b"", TOTAL) == ServerTrouble(503, "", None)


def test_a_reason_shows_no_url_and_no_secret_and_is_short() -> None:
    said = (
        "see https://vu.okcdn.ru/upload.do?sig=abcdef123 sig=0123abc token tkn1A2b3C4d5E6f7G8h9I0j\x00"
        + "x " * 500
    )
    answer = read_segment_answer(403, {"X-Reason": said}, b"", TOTAL)
    assert isinstance(answer, UrlDead)
    assert answer.reason.startswith("see [url] sig=[secret] token [secret]")
    assert len(answer.reason) <= 200
    assert answer.reason.isprintable()


def test_a_segments_headers() -> None:
    headers = segment_headers(ByteRange(10, 20), 100, mode=Mode.PARALLEL, file_name="a b.mp4")
    assert headers["Content-Range"] == "bytes 10-19/100"
    assert headers["Content-Disposition"] == 'attachment; filename="a%20b.mp4"'
    assert not headers["Content-Type"].startswith("multipart")
    assert headers["X-Uploading-Mode"] == "parallel"
    assert "Content-Length" not in headers


def test_a_probe_asks_for_islands_however_the_ticket_is_used() -> None:
    assert probe_headers() == {"X-Uploading-Mode": "parallel"}


@pytest.mark.parametrize(("mode", "asked"), [(Mode.PARALLEL, True), (None, True), (Mode.SEQUENTIAL, False)])
def test_the_mode_is_asked_for_on_segments(mode: Mode | None, *, asked: bool) -> None:
    assert ("X-Uploading-Mode" in segment_headers(ByteRange(0, 1), 1, mode=mode, file_name="a")) is asked


@given(st.text() | st.sampled_from(['a"b\r\nX-Evil: 1.mp4', "кот.mp4", "\ud800", "..//\\"]))
def test_no_name_breaks_a_header(name: str) -> None:
    value = segment_headers(ByteRange(0, 1), 1, mode=None, file_name=name)["Content-Disposition"]
    inner = value.removeprefix('attachment; filename="').removesuffix('"')
    assert value.isascii()
    assert value.isprintable()
    assert not set(inner) & set('"; \\,')


names = st.sampled_from(["Range", "X-Last-Known-Byte", "Retry-After", "Date", "X-Reason"]) | st.text(
    max_size=8
)
values = st.text(max_size=30) | st.text(alphabet="0123456789-/,bytes= ", max_size=30)
bodies = st.binary(max_size=60) | values.map(lambda text: text.encode("utf-8", "replace"))
jsons = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.dictionaries(st.sampled_from(["error", "error_code", "error_msg", "a"]), inner),
)


@given(st.integers(100, 999), st.dictionaries(names, values), bodies | jsons.map(lambda v: str(v).encode()))
def test_whatever_comes_in_an_answer_goes_out(status: int, headers: dict[str, str], body: bytes) -> None:
    probe = read_probe_answer(status, headers, body, TOTAL)
    segment = read_segment_answer(status, headers, body, TOTAL)
    assert isinstance(probe, get_args(ProbeAnswer))
    assert isinstance(segment, get_args(SegmentAnswer))
    if isinstance(probe, Held) and probe.account.held:
        assert probe.account.held.spans[-1].stop <= TOTAL


@pytest.mark.parametrize(
    ("status", "headers", "body", "expected"),
    [
        (200, {}, b"<retval>1</retval>", Complete()),
        (200, {}, b'<?xml version="1.0"?>\n<RetVal> 1 </RetVal>\n', Complete()),
        (200, {}, b"", Complete()),
        (200, {}, b'{"video_hash": "x", "size": 7, "error": null}', Complete()),
        (200, {}, b"<retval>0</retval>", Refused(200, "retval 0")),
        (200, {}, b'{"error_code": 160, "error_msg": "no"}', Refused(200, "no")),
        (200, {}, b'{"error": "unknown", "error_descr": "no"}', Refused(200, "no")),
        (200, {}, b'{"error_code": 2, "error_msg": "later"}', ServerTrouble(200, "later")),
        (400, {"X-Reason": "expired"}, b"", UrlDead(400, "expired")),
        (403, {}, b"", UrlDead(403)),
        (404, {}, b"", UrlDead(404)),
        (410, {}, b"", UrlDead(410)),
        (413, {}, b"", Refused(413)),
        (416, {"X-Last-Known-Byte": "7"}, b"", Refused(416)),
        (302, {"Location": "/elsewhere"}, b"", ServerTrouble(302, BETWEEN)),
        (503, {"Retry-After": "3"}, b"", ServerTrouble(503, "", 3.0)),
        (500, {}, b"<retval>1</retval>", ServerTrouble(500)),
    ],
)
def test_answers_to_a_whole_file(
    status: int, headers: dict[str, str], body: bytes, expected: FileAnswer
) -> None:
    assert read_file_answer(status, headers, body) == expected


@pytest.mark.parametrize(
    ("status", "body"), [(200, b"<html>502</html>"), (200, b"fine"), (200, b"[1]"), (201, b""), (204, b"")]
)
def test_an_answer_that_nobody_knows_is_no_success_of_a_whole_file(status: int, body: bytes) -> None:
    assert isinstance(read_file_answer(status, {}, body), ServerTrouble)


@given(
    st.integers(100, 599),
    st.dictionaries(st.sampled_from(["X-Reason", "Retry-After", "Date"]), st.text()),
    st.binary() | st.sampled_from([b"[" * 100_000, b"<retval>" + b"9" * 5000 + b"</retval>"]),
)
def test_any_answer_to_a_whole_file_is_read(status: int, headers: dict[str, str], body: bytes) -> None:
    answer = read_file_answer(status, headers, body)
    assert isinstance(answer, Complete | UrlDead | Refused | ServerTrouble)
    assert not isinstance(answer, Complete) or status == 200

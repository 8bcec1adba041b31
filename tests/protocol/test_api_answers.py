import datetime as dt
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okdrop.errors import GaveUp, Halted, Trouble, UploadError
from okdrop.protocol.api_answers import (
    Json,
    read_api_answer,
    read_expiry,
    read_upload_url,
    read_user,
    read_video_status,
    read_video_statuses,
)
from okdrop.protocol.messages import VideoStatus
from okdrop.protocol.verdicts import GET_UPLOAD_URL, UPDATE

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"", None),
        (b" \n", None),
        (b"null", None),
        (b"true", True),
        (b'"text"', "text"),
        (b"[]", []),
        (b"{}", {}),
    ],
)
def test_a_success_in_every_form(body: bytes, value: Json) -> None:
    assert read_api_answer(UPDATE, 200, {}, body) == value


def error(code: int, message: str = "NAME : text") -> bytes:
    return json.dumps({"error_code": code, "error_msg": message, "error_data": None}).encode()


FAILURES = [
    (200, {}, error(102), Halted, "api_102"),
    (400, {}, error(102), Halted, "api_102"),
    (500, {}, error(454), GaveUp, "text_refused"),
    (200, {}, b'{"error_code": "102", "error_msg": "x"}', Halted, "api_102"),
    (200, {}, b'{"error_code": null}', Trouble, "api_error"),
    (200, {}, b'{"error": "invalid_token"}', Trouble, "api_error"),
    (200, {"Invocation-Error": "102"}, b"", Halted, "api_102"),
    (200, {"invocation-error": "454"}, error(454), GaveUp, "text_refused"),
    (200, {"WMF-INVOCATION-ERROR": "8"}, b"junk", Trouble, "api_8"),
    (200, {"Invocation-Error": "true"}, b"", Trouble, "api_error"),
    (200, {}, b"102:PARAM_SESSION_EXPIRED : Session expired", Halted, "api_102"),
    (200, {}, b" 9999 : SYSTEM : oops", Trouble, "api_9999"),
    (200, {}, b"<html>an outage</html>", Trouble, "api_page"),
    (200, {}, b"  \n<!doctype html>", Trouble, "api_page"),
    (200, {}, b"garbage", Trouble, "api_unreadable"),
    (200, {}, b'{"video_id": 5, "upl', Trouble, "api_unreadable"),
    (200, {}, b"[" * 100_000, Trouble, "api_unreadable"),
    (200, {}, b"\xff\xfe", Trouble, "api_unreadable"),
    (500, {}, b"", Trouble, "http_500"),
    (429, {}, b"", Trouble, "http_429"),
    (401, {}, b"", Trouble, "http_401"),
    (403, {}, b"<html>", Trouble, "http_403"),
    (302, {}, b"", Trouble, "http_302"),
]


@pytest.mark.parametrize(("status", "headers", "body", "kind", "code"), FAILURES)
def test_a_failure_in_every_form(
    status: int, headers: dict[str, str], body: bytes, kind: type[UploadError], code: str
) -> None:
    with pytest.raises(UploadError) as raised:
        read_api_answer(UPDATE, status, headers, body)
    assert type(raised.value) is kind
    assert raised.value.code == code


def test_retry_after_is_kept() -> None:
    with pytest.raises(Trouble) as raised:
        read_api_answer(UPDATE, 503, {"Retry-After": "9"}, b"")
    assert raised.value.retry_after == 9


@pytest.mark.parametrize(
    ("video_id", "text"), [(9007199254740993, "9007199254740993"), ("42", "42"), (2**63, str(2**63))]
)
def test_a_video_id_stays_exact(video_id: int | str, text: str) -> None:
    body = json.dumps({"video_id": video_id, "upload_url": "https://x/"}).encode()
    assert read_upload_url(read_api_answer(GET_UPLOAD_URL, 200, {}, body)) == (text, "https://x/")


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {"video_id": 1},
        {"video_id": 1.5, "upload_url": "u"},
        {"video_id": True, "upload_url": "u"},
        {"video_id": "", "upload_url": "u"},
        {"video_id": 1, "upload_url": ""},
        {"video_id": "a/b?c", "upload_url": "u"},
    ],
)
def test_a_ticket_without_its_parts_is_trouble(value: Json) -> None:
    with pytest.raises(Trouble):
        read_upload_url(value)


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ({"videos": [{"status": "OK"}]}, VideoStatus.OK),
        ({"videos": [{"id": "5", "status": "ON_MODERATION"}]}, VideoStatus.ON_MODERATION),
        ({"videos": [{"status": "processing"}]}, VideoStatus.PROCESSING),
        ({"videos": [{"status": "SOMETHING_NEW"}]}, VideoStatus.UNKNOWN),
        ({"videos": [{}]}, VideoStatus.UNKNOWN),
        ({"videos": [{"status": 5}]}, VideoStatus.UNKNOWN),
        ({"videos": []}, VideoStatus.MISSING),
    ],
)
def test_the_status_of_a_video(value: Json, status: VideoStatus) -> None:
    assert read_video_status(value) is status


@pytest.mark.parametrize("value", [None, {}, [], {"videos": None}, {"videos": ["5"]}, "5"])
def test_an_answer_without_a_list_of_videos_is_not_called_no_such_video(value: Json) -> None:
    with pytest.raises(Trouble) as raised:
        read_video_status(value)
    assert raised.value.code == "video_unclear"
    assert raised.value.tries


@pytest.mark.parametrize(
    ("value", "known"),
    [
        (None, {}),
        ({"videos": None}, {}),
        ({"videos": ["5", 5, None]}, {}),
        ({"videos": [{"status": "OK"}, {"id": None, "status": "OK"}, {"id": True, "status": "OK"}]}, {}),
        (
            {"videos": [{"id": 5, "status": "ok"}, {"id": "6"}]},
            {"5": VideoStatus.OK, "6": VideoStatus.UNKNOWN},
        ),
        ({"videos": [{"id": 2**60 + 1, "status": "ERROR"}]}, {str(2**60 + 1): VideoStatus.ERROR}),
    ],
)
def test_of_many_videos_those_that_are_named_are_known(value: Json, known: dict[str, VideoStatus]) -> None:
    assert read_video_statuses(value) == known


def test_whoever_says_when_to_come_back_is_heeded_in_every_form() -> None:
    for status, body in ((503, b""), (503, error(2)), (200, error(8)), (429, b'{"error_code": 5000}')):
        with pytest.raises(Trouble) as raised:
            read_api_answer(UPDATE, status, {"Retry-After": "8"}, body)
        assert raised.value.retry_after == 8.0


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("expires=1767312000000&sig=x", dt.datetime(2026, 1, 2, tzinfo=dt.UTC)),
        ("sig=x&expires=1767139200123", dt.datetime(2025, 12, 31, tzinfo=dt.UTC)),
        ("expires=1767312000", None),
        ("expires=99999999999999", None),
        ("expires=soon", None),
        ("sig=x", None),
    ],
)
def test_the_expiry_of_an_upload_url(query: str, expected: dt.datetime | None) -> None:
    assert read_expiry(f"https://vu.okcdn.ru/upload.do?{query}", now=NOW) == expected


@pytest.mark.parametrize(
    ("value", "name"), [({"uid": "5", "name": "Анна"}, "Анна"), ({"uid": 5}, "5"), ("77", "77"), (77, "77")]
)
def test_whose_token_it_is(value: Json, name: str) -> None:
    assert read_user(value) == name


jsons = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["error_code", "error_msg", "error", "videos", "status", "video_id", "upload_url", "uid"]
            )
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
bodies = st.binary(max_size=60) | jsons.map(lambda value: json.dumps(value).encode())
headers = st.dictionaries(
    st.sampled_from(["Invocation-Error", "WMF-Invocation-Error", "Retry-After", "Date"]), st.text(max_size=30)
)


@given(st.integers(100, 999), headers, bodies)
def test_whatever_comes_in_a_value_or_an_upload_error_goes_out(
    status: int, headers: dict[str, str], body: bytes
) -> None:
    try:
        value = read_api_answer(UPDATE, status, headers, body)
    except UploadError:
        return
    assert not body.lstrip().startswith(b"<")
    for reader in (read_upload_url, read_video_status, read_video_statuses, read_user):
        try:
            reader(value)
        except UploadError:
            continue


@given(st.text() | st.text(alphabet="expires=&%0123456789"))
def test_any_url_has_an_expiry_or_none(text: str) -> None:
    assert read_expiry(f"https://x/?{text}", now=NOW) is None or "expires" in text


@pytest.mark.parametrize(
    ("status", "body", "maybe_done"),
    [
        (500, b"", True),
        (503, b"busy", True),
        (200, b"<html>", True),
        (200, b'{"half":', True),
        (200, b'{"error_code": 2, "error_msg": "SERVICE : busy"}', False),
    ],
)
def test_only_an_error_object_says_that_nothing_was_done(
    status: int, body: bytes, *, maybe_done: bool
) -> None:
    with pytest.raises(Trouble) as caught:
        read_api_answer(UPDATE, status, {}, body)
    assert caught.value.maybe_done is maybe_done

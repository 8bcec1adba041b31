"""What OK answers of an image; whatever comes, a value goes out or an error with an end to it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okdrop.errors import GaveUp, Halted, Trouble, UploadError
from okdrop.protocol.photos import Photo, read_photo_answer, read_photo_url

ANSWER = {"photos": {"p1=": {"token": "t/1=="}}}


def answered(value: Any, status: int = 200, photo_id: str = "p1=") -> Photo:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return read_photo_answer(status, {}, body, photo_id)


def test_a_url_and_the_id_of_its_photo() -> None:
    value = {"upload_url": "https://up.ok.ru/x?sig=1", "photo_ids": ["p1=", "p2"], "expires": 1}
    assert read_photo_url(value) == ("https://up.ok.ru/x?sig=1", "p1=")
    assert read_photo_url({"upload_url": "u", "photo_ids": [2**60]}) == ("u", str(2**60))


@pytest.mark.parametrize(
    "value",
    [
        *(None, [], "", {}, {"upload_url": "u"}, {"upload_url": "u", "photo_ids": []}),
        *({"upload_url": "", "photo_ids": ["p"]}, {"upload_url": "u", "photo_ids": [None]}),
        *({"upload_url": 1, "photo_ids": ["p"]}, {"upload_url": "u", "photo_ids": "p"}),
    ],
)
def test_without_them_it_is_trouble(value: Any) -> None:
    with pytest.raises(Trouble) as caught:
        read_photo_url(value)
    assert caught.value.tries is not None


@pytest.mark.parametrize("value", [ANSWER, ANSWER["photos"], {"photos": {"p1=": "t/1=="}}])
def test_the_token_is_that_of_the_photo(value: Any) -> None:
    photo = answered(value)
    assert (photo.photo_id, photo.token) == ("p1=", "t/1==")
    assert "t/1==" not in repr(photo)


@pytest.mark.parametrize("value", [{}, [], "x", b"", {"photos": {}}, {"photos": {"p2": {"token": "t"}}}])
def test_an_answer_without_it_is_met_a_few_times(value: Any) -> None:
    with pytest.raises(Trouble) as caught:
        answered(value)
    assert caught.value.tries is not None or caught.value.code == "api_unreadable"


def test_errors_are_those_of_the_api() -> None:
    for code, kind in ((500, GaveUp), (100, GaveUp), (200, Halted), (1, Trouble)):
        with pytest.raises(kind):
            answered({"error_code": code, "error_msg": "said"})


def test_a_url_that_is_dead_is_not_tried_for_ever() -> None:
    with pytest.raises(Trouble) as caught:
        answered(b"", 403)
    assert caught.value.tries is not None
    with pytest.raises(Trouble) as caught:
        answered(b"", 503)
    assert caught.value.tries is None


@given(st.integers(100, 599), st.binary(max_size=200))
def test_any_bytes_are_a_photo_or_an_error_of_ours(status: int, body: bytes) -> None:
    try:
        photo = read_photo_answer(status, {}, body, "p1=")
    except UploadError:
        return
    assert photo.token

import pytest

from okdrop.errors import GaveUp, Halted, TicketDead, Trouble, UploadError
from okdrop.protocol import verdicts

PASSING = [1, 2, 12, 30, 31, 5000, 9999]
FLOOD = [7, 8, 11, 511]
OPERATOR = [3, 9, 10, 22, 23, 24, 50, 101, 102, 103, 104, 105, 200, 210, 211, 401, 402, 403, 451, 453]
OPERATOR += [455, 456, 457, 458, 514, 900]
FATAL = [4, 21, 106, 110, 120, 121, 160, 300, 324, *range(500, 509), *range(600, 611), *range(700, 710), 1200]
METHODS = [verdicts.GET_UPLOAD_URL, verdicts.UPDATE, verdicts.GET, verdicts.DELETE, verdicts.CURRENT_USER]
BY_CODE = (
    [(code, Trouble) for code in PASSING + FLOOD]
    + [(code, Halted) for code in OPERATOR]
    + [(code, GaveUp) for code in FATAL]
)


@pytest.mark.parametrize(("code", "kind"), BY_CODE)
@pytest.mark.parametrize("method", METHODS)
def test_a_code_without_a_pair_of_its_own(method: str, code: int, kind: type[UploadError]) -> None:
    if (method, code) == (verdicts.UPDATE, 300):
        return
    error = verdicts.verdict(method, code, "NAME : words")
    assert type(error) is kind
    assert error.code == f"api_{code}"
    assert error.hint
    assert "words" in error.message
    if isinstance(error, Trouble):
        assert error.long is (code in FLOOD)
        assert error.tries is None, "transient trouble is never final"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("PARAM : FileToSmall", "file_too_small"),
        ("PARAM : error.FILE_TOO_SMALL", "file_too_small"),
        ("PARAM : FileToLarge", "file_too_large"),
        ("PARAM : BadFormat", "bad_format"),
        ("PARAM : DvdMenu", "dvd_menu"),
        ("PARAM : something else", "bad_file"),
        ("", "bad_file"),
    ],
)
def test_100_on_get_upload_url_is_the_files_fault(message: str, code: str) -> None:
    error = verdicts.verdict(verdicts.GET_UPLOAD_URL, 100, message)
    assert isinstance(error, GaveUp)
    assert error.code == code
    assert error.hint


def test_100_on_update_means_not_taken_yet_but_not_for_ever() -> None:
    error = verdicts.verdict(verdicts.UPDATE, 100)
    assert isinstance(error, Trouble)
    assert error.tries == verdicts.NOT_TAKEN_TRIES
    assert error.code == "api_100"


def test_454_blames_the_text_and_keeps_the_bytes() -> None:
    error = verdicts.verdict(verdicts.UPDATE, 454, "CENSOR_MATCH")
    assert isinstance(error, GaveUp)
    assert error.code == "text_refused"
    assert "retry" in error.hint


def test_300_on_update_asks_for_a_new_ticket() -> None:
    assert isinstance(verdicts.verdict(verdicts.UPDATE, 300), TicketDead)


@pytest.mark.parametrize("code", [-1, 0, 5, 99, 107, 301, 999, 123456])
def test_an_unlisted_code_neither_loses_the_upload_nor_loops_hot(code: int) -> None:
    error = verdicts.verdict(verdicts.UPDATE, code, "odd")
    assert isinstance(error, Trouble)
    assert error.long
    assert error.tries == verdicts.UNKNOWN_TRIES


def test_a_message_shows_no_url() -> None:
    error = verdicts.verdict(verdicts.UPDATE, 9999, "failed at https://vu.okcdn.ru/upload.do?sig=abc")
    assert "okcdn" not in str(error)
    assert "sig" not in str(error)


def test_an_expired_token_is_said_in_words() -> None:
    assert "the access token has expired" in str(verdicts.verdict(verdicts.UPDATE, 102))

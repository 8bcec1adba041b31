import pytest

from okdrop.protocol.signing import session_secret, sign

# Digests computed with md5sum over the texts of protocol.md 3.2.
TABLE = [
    ({}, "secret", "5ebe2294ecd0e0f08eab7690d2a6ee69"),
    ({"b": "2", "a": "1"}, "s", "7a6643dba2345e0f26b44b068e967357"),
    (
        {"a": "1", "access_token": "t", "session_key": "k", "sig": "x"},
        "s",
        "acd5f557e3b8da52b8aaec0623d7725e",
    ),
    ({"title": "Кот & пёс=1"}, "s", "a51e0e414bf290a5ff27c13c40e9a873"),
]


@pytest.mark.parametrize(("params", "secret", "expected"), TABLE)
def test_the_signature_of_a_call(params: dict[str, str], secret: str, expected: str) -> None:
    assert sign(params, secret) == expected


def test_the_secret_of_a_session_is_made_of_token_and_key() -> None:
    assert session_secret("token", "KEY") == "df191c922cc2db2c2f63d7fe382adbbb"


def test_a_lone_surrogate_is_no_exception() -> None:
    assert len(sign({"title": "\ud800"}, "s")) == 32

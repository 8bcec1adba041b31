from __future__ import annotations

import hashlib

from okdrop.emulator import signing


def test_what_is_signed_is_sorted_joined_and_neither_escaped_nor_secret() -> None:
    parameters = {"b": "два & two", "a": "1", "access_token": "t", "session_key": "s", "sig": "x"}
    expected = hashlib.md5("a=1b=два & twosecret".encode(), usedforsecurity=False).hexdigest()
    assert signing.signature(parameters, "secret") == expected
    assert signing.is_signed(parameters | {"sig": expected}, "secret")
    assert not signing.is_signed(parameters | {"sig": expected.upper()}, "secret")
    assert not signing.is_signed(parameters | {"sig": "é"}, "secret")


def test_the_sessions_own_secret_comes_first() -> None:
    keys = {"access_token": "token", "application_secret_key": "application"}
    made = hashlib.md5(b"tokenapplication", usedforsecurity=False).hexdigest()
    assert signing.secret_of(**keys, session_secret_key="") == made
    assert signing.secret_of(**keys, session_secret_key="own") == "own"

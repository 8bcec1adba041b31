from __future__ import annotations

import os
import pty
import termios

import pytest

from okdrop.top.desk import Key
from okdrop.top.keys import Typist, decoded, listening


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("q", ["q"]),
        ("\x1b[A\x1b[B\x1bOA\x1bOB", [Key.UP, Key.DOWN, Key.UP, Key.DOWN]),
        ("\r\n\x7f\b\x1b", [Key.ENTER, Key.ENTER, Key.BACKSPACE, Key.BACKSPACE, Key.ESCAPE]),
        ("\x1b[15~\x1b[1;5Cq", ["q"]),  # F5 and Ctrl-right: not ours, and no letters either
        ("\x00\x01ж", ["ж"]),
        ("\x1b[", []),
    ],
)
def test_what_a_terminal_sends_is_keys(text: str, keys: list[object]) -> None:
    assert decoded(text) == keys


def test_keys_come_one_by_one_unseen_and_the_terminal_is_afterwards_as_it_was() -> None:
    master, slave = pty.openpty()
    try:
        before = termios.tcgetattr(slave)
        with listening(slave):
            typist = Typist(slave)
            os.write(master, "Ж".encode()[:1])
            assert typist.read() == []  # half a character
            os.write(master, "Ж".encode()[1:] + b"p")
            assert typist.read() == ["Ж", "p"]
            assert not termios.tcgetattr(slave)[3] & termios.ECHO
        assert termios.tcgetattr(slave) == before
    finally:
        os.close(master)
        os.close(slave)


def test_a_terminal_that_hung_up_is_gone_and_hinders_no_end() -> None:
    master, slave = pty.openpty()
    with listening(slave):
        os.close(master)
        assert Typist(slave).read() is None
    os.close(slave)

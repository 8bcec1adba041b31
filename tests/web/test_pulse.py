"""What moves is told when it is due, and not again where it is as it was."""

from __future__ import annotations

from okdrop.web.pulse import Pulse


def test_it_is_due_at_once_and_then_every_so_often() -> None:
    now, speed = [100.0], [7]
    pulse = Pulse(0.5, lambda: {"speed": speed[0]}, lambda: now[0])
    assert pulse.wait == 0
    assert pulse.block() == b'event: pulse\ndata: {"speed": 7}\n\n'
    assert pulse.wait == 0.5
    now[0] += 0.6
    assert pulse.wait == 0
    assert pulse.block() == b""
    assert pulse.again == b'event: pulse\ndata: {"speed": 7}\n\n'
    now[0] += 0.5
    speed[0] = 8
    assert b"8" in pulse.block()

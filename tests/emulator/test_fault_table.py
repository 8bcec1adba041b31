from __future__ import annotations

import pytest

from okdrop.emulator import FAULTS, Fault, UnknownFaultError
from okdrop.emulator.faults import Faults


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_can_be_named_alone_and_survives_json(name: str) -> None:
    fault = Fault.parse(name)
    plain = fault.plain()
    assert Fault.of(str(plain.pop("name")), **plain) == fault


def test_the_command_lines_form() -> None:
    fault = Fault.parse("cut_after_bytes:bytes=10_000,times=3,probability=0.5")
    assert (fault.integer("bytes"), fault.times, fault.probability) == (10_000, 3, 0.5)
    assert not Fault.parse("refuse_416:last_known_byte=no").flag("last_known_byte")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("cut", "there are: cut_after_bytes, lost_answer"),
        ("cut_after_bytes:byte=1", "it has: times, after, probability, method, video, bytes"),
        ("cut_after_bytes:bytes=many", "bytes wants a int, not 'many'"),
        ("cut_after_bytes:bytes", "key=value"),
        ("wrong_account:kind=odd", "extra, less, off-by-one"),
        ("cut_after_bytes:method=status", "cannot strike 'status'"),
    ],
)
def test_what_cannot_be_is_answered_with_what_can(text: str, why: str) -> None:
    with pytest.raises(UnknownFaultError) as caught:
        Fault.parse(text)
    assert why in str(caught.value)


def test_times_and_after_count_the_requests_that_could_be_struck() -> None:
    faults = Faults([Fault.parse("lost_answer:after=1,times=2,video=7")])
    struck = [bool(faults.take("lost_answer", "segment", video)) for video in ("7", "8", "7", "7", "7")]
    assert struck == [False, False, True, True, False]


def test_chance_is_the_seeds() -> None:
    def strikes(seed: int) -> list[bool]:
        faults = Faults([Fault.parse("error_503:probability=0.5")], seed=seed)
        return [bool(faults.take("error_503", "segment")) for _ in range(64)]

    assert strikes(1) == strikes(1) != strikes(2)
    assert 16 < sum(strikes(1)) < 48


def test_a_fault_is_on_within_its_block_alone_beside_its_namesakes() -> None:
    faults = Faults()
    faults.set("api_error", code=8, method="video.get")
    with faults.active("api_error", code=2, method="video.update") as switch:
        assert faults.take("api_error", "video.update", "") is switch.fault
        assert switch.fired == 1
    assert faults.take("api_error", "video.update") is None
    assert faults.take("api_error", "video.get") is not None
    faults.clear("api_error")
    assert faults.plain() == []


def test_a_fault_strikes_the_operations_of_its_kind_unless_one_is_named() -> None:
    everywhere, pointed = Fault.parse("error_503"), Fault.parse("error_503:method=video.get")
    assert [everywhere.strikes(operation, "") for operation in ("segment", "status", "video.get")] == [
        True,
        True,
        False,
    ]
    assert [pointed.strikes(operation, "") for operation in ("segment", "video.get")] == [False, True]

"""Which faults are on, and when each of them strikes."""

from __future__ import annotations

import contextlib
import random
from typing import TYPE_CHECKING

from okdrop.emulator.fault_table import Fault, Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Switch:
    """A fault that is on, and how often it struck.

    Args:
        fault: what goes wrong.
        chance: a source of its own, so that the order of other requests does not move its dice.
    """

    def __init__(self, fault: Fault, chance: random.Random) -> None:
        self.fault = fault
        self.chance = chance
        self.matched = 0
        self.fired = 0

    def strikes(self, operation: str, video: str) -> bool:
        """Decide for one request, and count it."""
        if not self.fault.strikes(operation, video):
            return False
        self.matched += 1
        if self.matched <= self.fault.after or 0 <= self.fault.times <= self.fired:
            return False
        if self.chance.random() >= self.fault.probability:
            return False
        self.fired += 1
        return True


class Faults:
    """The switchboard.

    Args:
        faults: what is on from the start.
        seed: what chance grows from; equal seeds and equal requests give equal faults.
    """

    def __init__(self, faults: Iterable[Fault] = (), *, seed: int = 0) -> None:
        self._seed = seed
        self._made = 0
        self._switches: list[Switch] = []
        for fault in faults:
            self.add(fault)

    def add(self, fault: Fault) -> Switch:
        """Switch a fault on, beside all others."""
        self._made += 1
        chance = random.Random(f"{self._seed}:{self._made}:{fault.name}")  # noqa: S311 - repeatable weather, no secret
        switch = Switch(fault, chance)
        self._switches.append(switch)
        return switch

    def set(self, name: str, /, **values: Value) -> Switch:
        """Switch a fault on, in place of any of the same name."""
        fault = Fault.of(name, **values)
        self.clear(name)
        return self.add(fault)

    def clear(self, name: str = "") -> None:
        """Switch off the faults of this name, or all."""
        self._switches = [switch for switch in self._switches if name and switch.fault.name != name]

    @contextlib.contextmanager
    def active(self, name: str, /, **values: Value) -> Iterator[Switch]:
        """A fault that is on within the block; the switch tells how often it `fired`."""
        switch = self.add(Fault.of(name, **values))
        try:
            yield switch
        finally:
            self._switches = [other for other in self._switches if other is not switch]

    def take(self, name: str, operation: str, video: str = "") -> Fault | None:
        """The fault of this name that strikes this request, if one does."""
        switch = self.take_switch(name, operation, video)
        return switch.fault if switch else None

    def take_switch(self, name: str, operation: str, video: str = "") -> Switch | None:
        """The same with its own source of chance."""
        for switch in self._switches:
            if switch.fault.name == name and switch.strikes(operation, video):
                return switch
        return None

    def plain(self) -> list[dict[str, Value]]:
        """What is on, as JSON has it, with the number of requests it could strike, and struck."""
        return [
            {**switch.fault.plain(), "matched": switch.matched, "fired": switch.fired}
            for switch in self._switches
        ]

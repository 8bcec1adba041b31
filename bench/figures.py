"""What a benchmark finds: figures against their aims, and curves; and how they are kept as JSON."""

from __future__ import annotations

import dataclasses
import enum
import statistics
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SCHEMA: Final = 1
"""Grows when a reader of the JSON has to change."""


class Unit(enum.StrEnum):
    """What a number counts."""

    TIMES = "×"  #: as much as the reference
    SHARE = "%"  #: of the reference; kept as a number from 0 to 1
    SECONDS = "s"
    MEBIBYTES = "MiB"
    BYTES = "bytes"
    BYTES_PER_SECOND = "MiB/s"  #: kept in bytes
    COUNT = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Several measurements of one thing: the middle one, the middle half, and the ends."""

    median: float
    quarter: float  #: a quarter lies below
    three_quarters: float
    least: float
    most: float
    count: int

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Sum up measurements.

        Raises:
            ValueError: there is none.
        """
        found = sorted(values)
        if not found:
            raise ValueError("nothing was measured")
        lower, middle, upper = (
            statistics.quantiles(found, n=4, method="inclusive") if len(found) > 1 else found * 3
        )
        return cls(
            median=middle,
            quarter=lower,
            three_quarters=upper,
            least=found[0],
            most=found[-1],
            count=len(found),
        )


def ratios(ours: Sequence[float], reference: Sequence[float]) -> Spread:
    """Pair by pair, ours as a multiple of the reference; a pair was measured one right after the other."""
    return Spread.of(one / other for one, other in zip(ours, reference, strict=True))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the table.

    Args:
        row: which benchmark it belongs to.
        name: what was measured.
        value: what came out.
        unit: of the value and the aim.
        reference: what it is compared with.
        aim: what it should be; None: there is no aim.
        at_least: whether more is better.
        conditions: how it was measured.
    """

    row: str
    name: str
    value: Spread
    unit: Unit
    reference: str = ""
    aim: float | None = None
    at_least: bool = False
    conditions: str = ""

    @property
    def holds(self) -> bool | None:
        """Whether the aim is met; None: there is none."""
        if self.aim is None:
            return None
        return self.value.median >= self.aim if self.at_least else self.value.median <= self.aim


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """How something grows with something else.

    Args:
        row: which benchmark it belongs to.
        name: what the plot shows.
        x: what grows, and `y`, what depends on it, with their units.
        series: name → points (x, spread of y).
        conditions: how it was measured.
    """

    row: str
    name: str
    x: str
    y: str
    series: dict[str, list[tuple[float, Spread]]]
    conditions: str = ""


Finding: TypeAlias = Figure | Curve


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One run of the benchmark.

    Args:
        date: the day, in UTC.
        machine: what it ran on, by names.
        given: what was asked for: SIZE, FILES, PAIRS.
        findings: what came out.
    """

    date: str
    machine: dict[str, str]
    given: dict[str, str]
    findings: list[Finding]

    def to_json(self) -> dict[str, Any]:
        """As docs/performance.json has it."""
        figures = [dataclasses.asdict(each) for each in self.findings if isinstance(each, Figure)]
        curves = [dataclasses.asdict(each) for each in self.findings if isinstance(each, Curve)]
        head = {"schema": SCHEMA, "date": self.date, "machine": self.machine, "given": self.given}
        return head | {"figures": figures, "curves": curves}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Report:
        """Read it back.

        Raises:
            ValueError: it was written by another schema.
        """
        if document["schema"] != SCHEMA:
            raise ValueError(f"schema {document['schema']}, not {SCHEMA}: run the benchmark again")
        figures: list[Finding] = [_figure(each) for each in document["figures"]]
        curves = [_curve(each) for each in document["curves"]]
        return cls(
            date=document["date"],
            machine=document["machine"],
            given=document["given"],
            findings=[*figures, *curves],
        )


def _figure(each: dict[str, Any]) -> Figure:
    return Figure(**each | {"value": Spread(**each["value"]), "unit": Unit(each["unit"])})


def _curve(each: dict[str, Any]) -> Curve:
    series = {
        name: [(x, Spread(**spread)) for x, spread in points] for name, points in each["series"].items()
    }
    return Curve(**each | {"series": series})

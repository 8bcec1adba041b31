"""Gauges as the library wants them: without a label, or by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import GaugeMetricFamily

if TYPE_CHECKING:
    from collections.abc import Mapping


def one(name: str, says: str, value: float) -> GaugeMetricFamily:
    """A single figure."""
    return GaugeMetricFamily(name, says, value=float(value))


def labelled(name: str, says: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    """A figure for each value of a label."""
    family = GaugeMetricFamily(name, says, labels=[label])
    for key, value in values.items():
        family.add_metric([key], float(value))
    return family

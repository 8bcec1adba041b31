"""No figure of docs/performance.md is written by hand."""

from __future__ import annotations

import json

import pytest

from bench.document import DOCUMENT, IMAGES, JSON, TITLES, document, file_name, plots
from bench.figures import Curve, Figure, Report
from bench.rows import ROWS


@pytest.fixture(scope="module")
def report() -> Report:
    return Report.from_json(json.loads(JSON.read_text()))


def test_the_document_is_what_the_json_makes_of_it(report: Report) -> None:
    assert DOCUMENT.read_text() == document(report), "run `make performance`"


def test_the_drawings_are_those_of_the_json_and_no_others(report: Report) -> None:
    drawn = dict(plots(report))
    assert {*IMAGES.glob("performance-*.svg")} == {*drawn}
    for path, drawing in drawn.items():
        assert path.read_text() == drawing, path.name


def test_the_json_has_every_benchmark(report: Report) -> None:
    assert {finding.row for finding in report.findings} == {*ROWS}


def test_every_benchmark_has_a_title() -> None:
    assert list(TITLES) == list(ROWS)


def test_every_drawing_has_a_place_of_its_own(report: Report) -> None:
    names = [file_name(each) for each in report.findings if isinstance(each, Curve)]
    assert len({*names}) == len(names)


def test_every_figure_with_an_aim_says_how_it_was_taken(report: Report) -> None:
    assert [
        each.name for each in report.findings if isinstance(each, Figure) and each.aim and not each.conditions
    ] == []

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from bench.figures import Curve, Spread
from bench.plot import HEIGHT, WIDTH, svg

_SVG = "{http://www.w3.org/2000/svg}"


def curve(**series: list[tuple[float, float]]) -> Curve:
    points = {name: [(x, Spread.of([y, y * 1.1])) for x, y in line] for name, line in series.items()}
    return Curve(row="sizes", name="cost & speed <by size>", x="MiB", y="s", series=points)


DRAWN = curve(okdrop=[(1, 3.0), (1024, 5.0), (4096, 5.5)], curl=[(1, 0.1), (4096, 0.2)])


def test_a_drawing_is_xml_with_a_title_whatever_the_names_hold() -> None:
    root = ET.fromstring(svg(DRAWN))  # noqa: S314 - our own
    title = root.find(f"{_SVG}title")
    assert title is not None
    assert title.text == "cost & speed <by size>: s over MiB"


def test_every_point_is_drawn_and_nothing_outside() -> None:
    root = ET.fromstring(svg(DRAWN))  # noqa: S314 - our own
    circles = root.findall(f"{_SVG}circle")
    assert len(circles) == 5 + 2  # and one for each name
    for circle in circles:
        assert 0 <= float(circle.attrib["cx"]) <= WIDTH
        assert 0 <= float(circle.attrib["cy"]) <= HEIGHT
    for path in root.findall(f"{_SVG}path"):
        assert all(0 <= float(number) <= WIDTH for number in re.findall(r"[\d.]+", path.attrib["d"]))


def test_more_is_drawn_higher() -> None:
    root = ET.fromstring(svg(curve(okdrop=[(1, 1.0), (2, 2.0)])))  # noqa: S314 - our own
    first, second, _name = root.findall(f"{_SVG}circle")
    assert float(second.attrib["cy"]) < float(first.attrib["cy"])
    assert float(second.attrib["cx"]) > float(first.attrib["cx"])


def test_a_line_of_one_point_is_a_point() -> None:
    assert svg(curve(okdrop=[(1000, 0.0)])).count("<circle") == 2

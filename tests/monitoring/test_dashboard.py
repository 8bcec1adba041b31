"""The dashboard and the alerts that okdrop ships: what they ask for is what a daemon serves."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import yaml
from prometheus_client.parser import text_string_to_metric_families

from e2e.harness import KB, MB
from monitoring.test_alerts import RULES, alerts, promtool

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
DASHBOARD = ROOT / "config" / "grafana" / "okdrop.json"
WIDTH = 24
NOT_OURS = {"up"}

Rectangle = tuple[int, int, int, int]


def dashboard() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(DASHBOARD.read_text("utf-8"))
    return document


def panels() -> list[dict[str, Any]]:
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def asked_by_the_dashboard() -> Iterator[str]:
    for panel in panels():
        yield from (target["expr"] for target in panel["targets"])
    for note in dashboard()["annotations"]["list"]:
        yield note["expr"]


def expressions() -> list[str]:
    """Everything that is asked of Prometheus, without the dashboard's variables."""
    found = [*asked_by_the_dashboard(), *(rule["expr"] for rule in alerts())]
    return [
        one.replace("$__rate_interval", "5m").replace("$job", "x").replace("$instance", "y") for one in found
    ]


def names_in(expression: str) -> set[str]:
    """The metrics that an expression names: words that are neither functions nor labels."""
    bare = re.sub(r'"[^"]*"', "", expression)
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]", "", bare)
    bare = re.sub(r"\b(?:by|on|ignoring|without|group_left|group_right)\s*\([^)]*\)", "", bare)
    words = re.findall(r"\b[a-z_][a-z0-9_]*\b(?!\s*\()", bare)
    return {word for word in words if "_" in word} | {word for word in words if word in NOT_OURS}


def labels_in(expression: str) -> Iterator[tuple[str, str]]:
    """Metric and label, of each label that a selector compares."""
    for name, selector in re.findall(r"\b(okdrop_\w+)\{([^}]*)\}", expression):
        for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", re.sub(r'"[^"]*"', "", selector)):
            yield name, label


def test_names_are_found_where_they_stand() -> None:
    text = 'sum by (a_b) (rate(x_total{event="c_d", e=~"f"}[5m])) > bool 9 or up == 0 unless on (g_h) i_j'
    assert names_in(text) == {"x_total", "up", "i_j"}
    assert [*labels_in('okdrop_x{event="c=d", e=~"f"}')] == [("okdrop_x", "event"), ("okdrop_x", "e")]


async def test_every_metric_that_is_asked_for_is_served(start: Any) -> None:
    _, daemon = await start()
    daemon.file("clip.mp4", 1 * MB)
    daemon.file("tiny.mp4", 1 * KB)
    async with daemon.serving() as (running, address), aiohttp.ClientSession() as http:
        await running.tells("upload.published")
        await running.tells("upload.failed")
        async with http.get(f"{address}/metrics") as answer:
            text = await answer.text()
    served, labels = set[str](), dict[str, set[str]]()
    for family in text_string_to_metric_families(text):
        served |= {family.name, f"{family.name}_total"}
        if family.type == "histogram":
            served |= {f"{family.name}_{part}" for part in ("bucket", "sum", "count")}
        for sample in family.samples:
            labels.setdefault(sample.name, set()).update(sample.labels)
    types = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
    for expression in expressions():
        assert names_in(expression) - NOT_OURS <= served & (types | served), expression
        for name, label in labels_in(expression):
            if label not in {"job", "instance"}:
                assert label in labels[name], f"{name} has no label {label}: {expression}"


def test_prometheus_takes_every_expression(tmp_path: Path) -> None:
    rules = [{"record": f"okdrop:number_{number}", "expr": one} for number, one in enumerate(expressions())]
    file = tmp_path / "rules.json"
    file.write_text(json.dumps({"groups": [{"name": "asked", "rules": rules}]}))
    assert f"{len(rules)} rules found" in promtool("check", "rules", file)


def test_every_panel_says_what_it_shows_and_asks_for_something() -> None:
    titles = [panel["title"] for panel in panels()]
    assert len(set(titles)) == len(titles)
    for panel in panels():
        assert panel["description"].endswith("."), panel["title"]
        assert panel["targets"], panel["title"]
        references = [target["refId"] for target in panel["targets"]]
        assert len(set(references)) == len(references)
        for target in panel["targets"]:
            assert target["datasource"]["uid"] == "${datasource}"
            if target["expr"].strip().startswith(("vector", "up")):
                continue
            assert 'job="$job", instance=~"$instance"' in target["expr"], panel["title"]


def test_panels_have_numbers_of_their_own_and_lie_on_the_grid_side_by_side() -> None:
    every = dashboard()["panels"]
    assert len({panel["id"] for panel in every}) == len(every)
    taken: dict[tuple[int, int], str] = {}
    for panel in every:
        at = panel["gridPos"]
        assert 0 <= at["x"] < at["x"] + at["w"] <= WIDTH
        columns, rows = range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"])
        for place in itertools.product(columns, rows):
            assert taken.setdefault(place, panel["title"]) == panel["title"], f"two panels at {place}"


def test_the_dashboard_can_be_imported_anywhere() -> None:
    document = dashboard()
    assert document["title"] == document["uid"] == "okdrop"
    assert document["schemaVersion"] >= 36
    assert "id" not in document  # it is that of the place it is imported to
    variables = {variable["name"]: variable["type"] for variable in document["templating"]["list"]}
    assert variables == {"datasource": "datasource", "job": "query", "instance": "query"}
    assert "__inputs" not in document


def test_the_rules_are_named_where_they_are_described() -> None:
    text = (ROOT / "docs" / "metrics.md").read_text("utf-8")
    for path in (RULES, DASHBOARD):
        assert f"../{path.relative_to(ROOT)}" in text
    assert set(re.findall(r"\bOkdrop\w+", text)) == {rule["alert"] for rule in alerts()}
    assert yaml.safe_load(RULES.read_text())["groups"][0]["name"] == "okdrop"

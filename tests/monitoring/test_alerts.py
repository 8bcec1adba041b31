"""The alerts that okdrop ships: each comes when it is due and not before, and says what to do."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

RULES = Path(__file__).parents[2] / "config" / "prometheus" / "alerts.yml"
PROMTOOL = shutil.which("promtool")

JOB = 'job="okdrop", instance="a"'


def alerts() -> list[dict[str, Any]]:
    document = yaml.safe_load(RULES.read_text("utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


def waiting(*, stored: str = "0x300", more: str = "0x300", waiting: str = "3x300") -> dict[str, str]:
    """Files wait, and nothing arrives from the beginning of time on."""
    return {
        f"okdrop_uploads_in_hand{{{JOB}}}": "0x300",
        f"okdrop_uploads_waiting{{{JOB}}}": waiting,
        f"okdrop_uploads_outside_hours{{{JOB}}}": more,
        f"okdrop_last_stored_timestamp_seconds{{{JOB}}}": stored,
        f"okdrop_last_published_timestamp_seconds{{{JOB}}}": "0x300",
        f"okdrop_paused{{{JOB}}}": "0x300",
    }


FOLDER = f'folder="/srv", {JOB}'
SLOW = {
    f'okdrop_ledger_seconds_bucket{{operation="write", le="{le}", {JOB}}}': f"0+{many}x100"
    for le, many in {"0.25": 0, "1.0": 60, "5.0": 60, "+Inf": 60}.items()
}
DUE: list[tuple[str, dict[str, str], int, int, dict[str, str]]] = [
    # alert, what is scraped each minute, minute at which it is not due, and one at which it is, its labels
    ("OkdropDown", {f"up{{{JOB}}}": "1x10 0x90"}, 14, 17, {}),
    ("OkdropDown", {'up{job="another"}': "1x90"}, 4, 6, {}),
    ("OkdropRestartsOften", {f"process_start_time_seconds{{{JOB}}}": "0 0 1 2 3 4x60"}, 4, 6, {}),
    ("OkdropNothingPublished", waiting(), 59, 62, {}),
    ("OkdropNothingPublished", waiting(stored="0+60x20 1200x200"), 79, 82, {}),
    ("OkdropStuck", {f"okdrop_still_seconds{{{JOB}}}": "0+60x90"}, 20, 22, {}),
    ("OkdropPausedForLong", {f"okdrop_paused{{{JOB}}}": "1x2000"}, 1439, 1441, {}),
    (
        "OkdropHalted",
        {f'okdrop_halted{{code="api_102", account="kids", {JOB}}}': "1x20"},
        4,
        6,
        {"account": "kids"},
    ),
    (
        "OkdropTokenExpires",
        {f'okdrop_access_token_expiry_timestamp_seconds{{account="", {JOB}}}': f"{7 * 86400 + 600}x60"},
        9,
        11,
        {},
    ),
    ("OkdropFolderMissing", {f"okdrop_folder_away{{{FOLDER}}}": "0x5 1x60"}, 15, 17, {"folder": "/srv"}),
    (
        "OkdropFolderNotScanned",
        {
            f"okdrop_folder_last_scan_timestamp_seconds{{{FOLDER}}}": "0x90",
            f"okdrop_folder_away{{{FOLDER}}}": "0x90",
        },
        64,
        66,
        {"folder": "/srv"},
    ),
    (
        "OkdropDiskLow",
        {f"okdrop_folder_free_bytes{{{FOLDER}}}": "11e9x10 9e9x60"},
        20,
        22,
        {"folder": "/srv"},
    ),
    ("OkdropUploadsFail", {f'okdrop_failures_total{{code="source_gone", {JOB}}}': "_x5 1x60"}, 4, 6, {}),
    ("OkdropUploadsFail", {f'okdrop_failures_total{{code="source_gone", {JOB}}}': "1x90 2x60"}, 89, 92, {}),
    (
        "OkdropTroubleIsCommon",
        {f'okdrop_retries_total{{code="http_503", {JOB}}}': "0x60 0+20x60"},
        60,
        75,
        {},
    ),
    ("OkdropBytesSentAgain", {f"okdrop_held_sent_again_bytes_total{{{JOB}}}": "0x10 500x60"}, 9, 13, {}),
    (
        "OkdropLineWasted",
        {
            f"okdrop_sent_again_bytes_total{{{JOB}}}": "0x10 200e6x60",
            f"okdrop_stored_bytes_total{{{JOB}}}": "0x10 900e6x60",
        },
        9,
        13,
        {},
    ),
    ("OkdropLedgerStuck", {f"okdrop_ledger_stuck{{{JOB}}}": "0x5 1x60"}, 6, 9, {}),
    ("OkdropLedgerStuck", {f"okdrop_ledger_readable{{{JOB}}}": "1x5 0x60"}, 6, 9, {}),
    ("OkdropLedgerSlow", SLOW, 10, 40, {}),
]
NEVER: list[tuple[str, dict[str, str]]] = [
    ("OkdropNothingPublished", waiting(stored="0+60x300")),
    ("OkdropNothingPublished", waiting(more="3x300")),
    ("OkdropNothingPublished", waiting() | {f"okdrop_paused{{{JOB}}}": "1x300"}),
    ("OkdropNothingPublished", waiting() | {f'okdrop_halted{{code="api_102", account="", {JOB}}}': "1x300"}),
    ("OkdropNothingPublished", waiting(waiting="0x300")),
    ("OkdropUploadsFail", {f'okdrop_failures_total{{code="source_gone", {JOB}}}': "7x300"}),
    (
        "OkdropFolderNotScanned",
        {
            f"okdrop_folder_last_scan_timestamp_seconds{{{FOLDER}}}": "0x300",
            f"okdrop_folder_away{{{FOLDER}}}": "1x300",
        },
    ),
    ("OkdropBytesSentAgain", {f"okdrop_held_sent_again_bytes_total{{{JOB}}}": "500x300"}),
    ("OkdropRestartsOften", {f"process_start_time_seconds{{{JOB}}}": "0 0 1 2 3x300"}),
]


def test_every_alert_says_how_bad_it_is_what_is_wrong_and_what_to_do() -> None:
    names = [rule["alert"] for rule in alerts()]
    assert len(set(names)) == len(names)
    for rule in alerts():
        assert rule["labels"]["severity"] in {"critical", "warning"}, rule["alert"]
        assert 10 <= len(rule["annotations"]["summary"]) <= 100, rule["alert"]
        assert len(rule["annotations"]["description"]) > 80, rule["alert"]


def test_every_alert_is_tried() -> None:
    assert {case[0] for case in DUE} == {rule["alert"] for rule in alerts()}


def promtool(*arguments: str | Path) -> str:
    if PROMTOOL is None:
        pytest.skip("promtool is not installed (Debian's package prometheus has it)")
    ended = subprocess.run([PROMTOOL, *arguments], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_prometheus_takes_them() -> None:
    assert f"{len(alerts())} rules found" in promtool("check", "rules", RULES)


def case_of(name: str, series: dict[str, str], looks: list[dict[str, Any]]) -> dict[str, Any]:
    """A test as promtool reads it; what an alert says is not compared."""
    return {
        "name": name,
        "interval": "1m",
        "input_series": [{"series": key, "values": values} for key, values in series.items()],
        "alert_rule_test": looks,
    }


def test_each_comes_when_it_is_due_and_not_before(tmp_path: Path) -> None:
    bare = [{key: value for key, value in rule.items() if key != "annotations"} for rule in alerts()]
    rules = tmp_path / "rules.json"
    rules.write_text(json.dumps({"groups": [{"name": "okdrop", "rules": bare}]}))
    severity = {rule["alert"]: rule["labels"]["severity"] for rule in alerts()}
    cases = []
    for name, series, before, at, labels in DUE:
        own = labels_of(series)
        wanted = {"severity": severity[name], **own, **labels}
        cases.append(
            case_of(
                name,
                series,
                [
                    {"eval_time": f"{before}m", "alertname": name},
                    {"eval_time": f"{at}m", "alertname": name, "exp_alerts": [{"exp_labels": wanted}]},
                ],
            )
        )
    for name, series in NEVER:
        looks = [{"eval_time": f"{at}m", "alertname": name} for at in range(65, 300, 5)]
        cases.append(case_of(f"{name}, never", series, looks))
    tests = tmp_path / "tests.json"
    tests.write_text(json.dumps({"rule_files": ["rules.json"], "evaluation_interval": "1m", "tests": cases}))
    promtool("test", "rules", tests)


def labels_of(series: dict[str, str]) -> dict[str, str]:
    """The labels of the alert: those of its series, but for the buckets of a histogram."""
    first = next(iter(series))
    if 'job="another"' in first:
        return {"job": "okdrop"}
    pairs = first.partition("{")[2].rstrip("}").split(", ")
    found = {key: value.strip('"') for key, _, value in (pair.partition("=") for pair in pairs)}
    return {key: value for key, value in found.items() if key != "le" and value}


@pytest.mark.parametrize("account", ["", "kids"])
def test_what_an_alert_says_is_filled_in(tmp_path: Path, account: str) -> None:
    series = {f'okdrop_halted{{code="api_102", account="{account}", {JOB}}}': "1x20"}
    words = next(rule for rule in alerts() if rule["alert"] == "OkdropHalted")["annotations"]
    code = "{{ $labels.code }}"
    description = words["description"].replace(code, "api_102").replace("{{ $labels.instance }}", "a")
    whose = '{{ or $labels.account "the account of [ok]" }}'
    assert whose in description
    wanted = {
        "exp_labels": {"severity": "critical", "job": "okdrop", "instance": "a", "code": "api_102"}
        | ({"account": account} if account else {}),
        "exp_annotations": {
            "summary": words["summary"].replace(code, "api_102"),
            "description": description.replace(whose, account or "the account of [ok]"),
        },
    }
    look = {"eval_time": "6m", "alertname": "OkdropHalted", "exp_alerts": [wanted]}
    tests = tmp_path / "tests.json"
    case = case_of("halted", series, [look])
    tests.write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [case]}))
    promtool("test", "rules", tests)

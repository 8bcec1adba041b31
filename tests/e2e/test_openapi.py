"""A daemon's answers are those that are written down for programs, whatever it is asked.

Schemathesis draws requests from the document, sensible ones and others, always the same. The document is
made stricter for it: further keys, which a client has to pass over, would be missing from the document.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp

from e2e.harness import KB
from okdrop.web.openapi import document

if TYPE_CHECKING:
    from e2e.harness import Daemon

PROGRAM = Path(sys.executable).parent / "schemathesis"

KNOWN = 8
"""No id of an upload here is greater."""

CONFIGURATION = """
[[operations]]
include-name = "PUT /api/bandwidth"
checks.positive_data_acceptance.enabled = false  # which texts are a limit is not written down as a schema

[[operations]]
include-name = "PUT /api/log"
checks.positive_data_acceptance.enabled = false  # the same of how long

[[operations]]
include-name = "POST /login"
checks.negative_data_rejection.enabled = false  # without web.token nobody looks at what is shown
"""


def strict(value: Any) -> Any:
    """The same, but an answer has no key that is not described."""
    if isinstance(value, list):
        return [strict(one) for one in value]
    if not isinstance(value, dict):
        return value
    closed = {"additionalProperties": False} if isinstance(value.get("properties"), dict) else {}
    return closed | {key: strict(one) for key, one in value.items()}


def stricter() -> dict[str, Any]:
    """The document for this daemon: half of the ids that are drawn are those of uploads that there are."""
    found: dict[str, Any] = strict(document())
    for methods in found["paths"].values():
        for operation in methods.values():
            if "303" in operation["responses"]:  # what it leads to is what Schemathesis sees
                operation["responses"]["200"] = found["paths"]["/"]["get"]["responses"]["200"]
            for parameter in operation.get("parameters", ()):
                if parameter["name"] == "number":
                    any_number = parameter["schema"]
                    parameter["schema"] = {
                        "anyOf": [any_number | {"minimum": 1, "maximum": KNOWN}, any_number]
                    }
    return found


async def examine(daemon: Daemon, address: str) -> str:
    """Ask whatever comes to mind; returns what was found."""
    place = daemon.place
    (place / "openapi.json").write_text(json.dumps(stricter()))
    (place / "schemathesis.toml").write_text(CONFIGURATION)
    options = {
        "--url": address,
        "--phases": "examples,coverage,fuzzing",
        "--max-examples": "50",
        "--exclude-path": "/api/events",  # it does not end
        "--warnings": "off",
        "--request-timeout": "20",
    }
    process = await asyncio.create_subprocess_exec(
        PROGRAM,
        *("--config-file", "schemathesis.toml", "run", "openapi.json"),
        *(part for option in options.items() for part in option),
        *("--generation-deterministic", "--continue-on-failure"),
        cwd=place,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    text = out.decode()
    assert process.returncode == 0, text
    return text


async def test_answers_are_as_they_are_described_whatever_is_asked(start: Any) -> None:
    _, daemon = await start(settings={"upload__workers": "1"})
    daemon.file("tiny.mp4", 100)
    daemon.file(b'odd-\xff\n".mp4', 20 * KB)
    same = daemon.file("one.mp4", 30 * KB).read_bytes()
    async with daemon.serving() as (running, address):
        await running.tells("upload.published", 2)
        await running.tells("upload.failed")
        (daemon.drop / "two.mp4").write_bytes(same)
        await running.tells("upload.duplicate")
        assert "Tested: 27" in await examine(daemon, address)
        assert running.told("web.trouble") == []
        async with aiohttp.ClientSession() as http, http.get(f"{address}/api/openapi.json") as answer:
            assert await answer.json() == document()

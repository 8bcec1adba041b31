"""What is written down for programs is what is served: no route and no word is missing, and none too many."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from okdrop.drop import State
from okdrop.web import Listen, WebServer
from okdrop.web.openapi import document
from okdrop.web.schemas import SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from okdrop.web import Daemon

DOCS = Path(__file__).parents[2] / "docs"


class Named:
    """As much of a daemon as a server looks at before it is asked anything."""

    version = "1.2"
    now = None


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def routes() -> set[tuple[str, str]]:
    listen = Listen(host="127.0.0.1", port=0)
    server = WebServer(listen, cast("Daemon", Named()), monotonic=lambda: 0.0, emit=lambda _: None)
    served = server._runner.app.router.routes()
    return {(one.method, one.resource.canonical) for one in served if one.resource is not None}


def test_every_route_is_described_and_nothing_else() -> None:
    described = {(method, path) for method, path, _ in operations()}
    assert {route for route in routes() if route[0] != "HEAD"} == described


def test_whatever_may_be_read_may_be_asked_for_its_head_but_for_what_does_not_end() -> None:
    read = {path for method, path in routes() if method == "GET"}
    assert {path for method, path in routes() if method == "HEAD"} == read - {"/api/events"}


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (one for key, one in value.items() if key == "$ref")
        for one in value.values():
            yield from references(one)
    elif isinstance(value, list):
        for one in value:
            yield from references(one)


def test_every_shape_that_is_named_is_there_and_is_used() -> None:
    named = {one.removeprefix("#/components/schemas/") for one in references(document())}
    assert named == set(SCHEMAS)


def test_operations_have_names_of_their_own_and_words() -> None:
    names = [operation["operationId"] for *_, operation in operations()]
    assert len(set(names)) == len(names)
    assert all(operation["summary"] for *_, operation in operations())
    for _, path, operation in operations():
        wanted = set(re.findall(r"\{(\w+)\}", path))
        given = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "path"}
        assert given == wanted, path


def test_what_is_for_people_names_every_path() -> None:
    text = (DOCS / "api.md").read_text("utf-8")
    for _, path, operation in operations():
        name = path.replace("{number}", "ID")
        short = f"…/{name.rpartition('/')[2]}"
        assert f" {name}`" in text or f"{name}?" in text or f"`{short}`" in text or name in text, operation


def test_words_are_those_of_the_program() -> None:
    assert SCHEMAS["Upload"]["properties"]["state"]["enum"] == [state.value for state in State]
    assert set(SCHEMAS["Status"]["properties"]["counts"]["properties"]) == set(State)


def test_it_is_plain_json() -> None:
    assert json.loads(json.dumps(document())) == document()

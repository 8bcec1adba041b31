"""The house keeps its own rules: sizes, mirrors, a tidy root, and words that lead somewhere."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "daemon" / "okdrop"
TESTS = ROOT / "tests"
MODULES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))

THROUGH = {
    # A module without a test module of its own → where it is tested, which is where its behaviour shows.
    "__main__.py": "test_entry.py",  # a door to entry.main
    "cli/ordering.py": "test_cli.py",
    "cli/reading.py": "test_cli.py",  # commands are tested as a person calls them
    "cli/running.py": "test_cli.py",
    "cli/steering.py": "test_cli.py",
    "cli/support.py": "test_cli.py",
    "cli/trying.py": "e2e/test_watch_test.py",
    "cli/watching.py": "e2e/test_top.py",
    "documents.py": "test_report.py",  # the same rows, for programs
    "client/__init__.py": "client/test_uploads.py",  # passes on to api and uploads
    "client/body.py": "client/test_uploads.py",  # a body is seen by what arrives
    "client/line.py": "client/test_api.py",  # so are the faults of a line
    "client/settings.py": "client/test_secrecy.py",  # values that hide themselves
    "config/__init__.py": "config/test_loading.py",  # names alone
    "config/fields.py": "config/test_model.py",  # kinds of value are judged as values of keys
    "config/keys.py": "config/test_environment.py",
    "containers/__init__.py": "containers/test_structure.py",  # the judges are tested side by side
    "containers/boxes.py": "containers/test_structure.py",
    "containers/ebml.py": "containers/test_structure.py",
    "containers/flv.py": "containers/test_structure.py",
    "containers/packets.py": "containers/test_structure.py",
    "containers/riff.py": "containers/test_structure.py",
    "config/problems.py": "config/test_loading.py",  # complaints, as load words them
    "config/section.py": "config/test_model.py",
    "emulator/__init__.py": "emulator/test_server.py",  # names alone
    "emulator/account_forms.py": "emulator/test_status.py",
    "emulator/accounts.py": "emulator/test_status.py",  # the emulator is tested over its sockets
    "emulator/gate.py": "emulator/test_faults.py",
    "emulator/intake.py": "emulator/test_segments.py",
    "emulator/line.py": "emulator/test_faults.py",
    "emulator/methods.py": "emulator/test_api.py",
    "emulator/options.py": "emulator/test_server.py",
    "emulator/videos.py": "emulator/test_store.py",
    "events/afterwards.py": "test_events.py",  # every event is held to the same laws
    "events/base.py": "test_events.py",
    "events/disks.py": "test_events.py",
    "events/files.py": "test_events.py",
    "events/folders.py": "test_events.py",
    "events/places.py": "test_events.py",
    "events/service.py": "test_events.py",
    "events/steps.py": "test_events.py",
    "events/uploads.py": "test_events.py",
    "events/web.py": "test_events.py",
    "ledger/errors.py": "ledger/test_sqlite.py",  # translations show where a database refuses
    "ledger/migrations/env.py": "ledger/test_migrate.py",
    "ledger/migrations/versions/r0001_uploads.py": "ledger/test_migrate.py",
    "ledger/migrations/versions/r0002_after_and_first_look.py": "ledger/test_migrate.py",
    "ledger/orders.py": "test_orders.py",  # the commands are these orders on a ledger that is opened for them
    "ledger/operations.py": "ledger/test_ledger.py",  # the ledger is these operations in a thread
    "ledger/rows.py": "ledger/test_machine.py",  # what was written is read back
    "ledger/schema.py": "ledger/test_migrate.py",
    "pipeline/sender.py": "pipeline/test_attempt.py",  # what is sent is what an attempt hands out
    "pipeline/filer.py": "pipeline/test_chores.py",  # the hands of the chores
    "metadata/facts.py": "metadata/test_chain.py",  # what is known shows in what comes out
    "metadata/privacy.py": "metadata/test_sidecar_keys.py",  # words are judged as a sidecar says them
    "observe/families.py": "observe/test_metrics.py",
    "observe/folder_gauges.py": "observe/test_metrics.py",
    "observe/gauges.py": "observe/test_metrics.py",  # metrics are judged as a scraper reads them
    "observe/sights.py": "e2e/test_web.py",  # passes on to three
    "observe/stages.py": "observe/test_metrics.py",
    "protocol/fields.py": "protocol/test_wire.py",
    "protocol/messages.py": "protocol/test_session.py",  # values without behaviour
    "protocol/tickets.py": "protocol/test_session.py",  # what both sessions share shows in each
    "ledger/migrations/versions/r0003_twins.py": "ledger/test_migrate.py",
    "ledger/migrations/versions/r0004_overrides.py": "ledger/test_migrate.py",
    "ledger/migrations/versions/r0005_leaves_of_blake3.py": "ledger/test_migrate.py",
    "ledger/migrations/versions/r0006_scale_and_pace.py": "ledger/test_migrate.py",
    "ledger/migrations/versions/r0007_halts.py": "ledger/test_migrate.py",
    "ledger/migrations/versions/r0008_outbox.py": "ledger/test_migrate.py",
    "ledger/migrations/versions/r0009_publications.py": "ledger/test_migrate.py",
    "emulator/api_error.py": "emulator/test_api.py",
    "explain/publishing.py": "explain/test_explain.py",
    "pipeline/covers.py": "pipeline/test_teller.py",  # a cover is told as all else is
    "pipeline/posting.py": "pipeline/test_openings.py",  # a folder's word, heeded there
    "pipeline/publishing.py": "pipeline/test_finalizer.py",  # what its rows note
    "ledger/migrations/versions/r0010_accounts.py": "ledger/test_migrate.py",
    "ledger/migrations/versions/r0011_filtered.py": "ledger/test_migrate.py",
    "ledger/desk.py": "ledger/test_outbox.py",  # the same statements, through the ledger's thread
    "steps.py": "ledger/test_outbox.py",  # words without behaviour
    "pipeline/moved.py": "pipeline/test_attendants.py",  # with what becomes of the file and its attendants
    "messenger.py": "pipeline/test_messengers.py",  # a process, which is looked at from outside
    "notify_trial.py": "e2e/test_notifications.py",
    "pipeline/herald.py": "pipeline/test_outbox.py",  # who takes the steps of its lanes
    "protocol/redaction.py": "protocol/test_api_answers.py",
    "serving.py": "e2e/test_web.py",  # the daemon's own HTTP is asked over real sockets
    "top/client.py": "e2e/test_top.py",  # a daemon is asked over real sockets
    "top/live.py": "e2e/test_top.py",  # what is live is seen on a terminal
    "web/__init__.py": "e2e/test_web.py",
    "web/answers.py": "e2e/test_web.py",
    "web/daemon.py": "e2e/test_web.py",
    "web/figures.py": "e2e/test_web.py",
    "web/guard.py": "e2e/test_web.py",
    "web/login.py": "e2e/test_web.py",
    "web/page.py": "e2e/test_web.py",
    "web/schemas.py": "web/test_openapi.py",  # shapes are judged by the answers that have them
    "web/server.py": "e2e/test_web.py",
    "web/shapes.py": "web/test_openapi.py",
    "web/steering.py": "e2e/test_web.py",
    "web/uploads.py": "e2e/test_web.py",
}


def mirrors(module: Path) -> list[Path]:
    """Where the tests of a module may be."""
    if module.stem != "__init__":
        return [TESTS / module.parent / f"test_{module.stem}.py"]
    name = module.parent.name
    return [TESTS / module.parent / f"test_{name}.py", TESTS / module.parent.parent / f"test_{name}.py"]


def is_bare(module: Path) -> bool:
    """Whether a module says what it is for, and does nothing."""
    body = ast.parse((PACKAGE / module).read_text()).body
    return module.stem == "__init__" and all(isinstance(node, (ast.Expr, ast.Assign)) for node in body)


def body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    last = body[-1].end_lineno if body else None
    return last - body[0].lineno + 1 if last is not None else 0


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_module_is_one_thought_and_a_function_one_look(module: Path) -> None:
    source = (PACKAGE / module).read_text()
    assert len(source.splitlines()) <= 400
    if module.parent.name == "versions":
        return  # a migration is one list of columns, never to be rearranged
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert body_lines(node) <= 40, node.name


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_every_module_is_tested_where_one_looks_for_it(module: Path) -> None:
    if module.as_posix() in THROUGH:
        assert (TESTS / THROUGH[module.as_posix()]).is_file()
    elif not is_bare(module):
        assert any(path.is_file() for path in mirrors(module))


def test_the_table_of_exceptions_holds_none_too_many() -> None:
    for name in THROUGH:
        assert (PACKAGE / name).is_file(), name
        assert not any(path.is_file() for path in mirrors(Path(name))), name


def test_the_root_is_tidy() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a checkout")
    assert len({line.split("/")[0] for line in listed.stdout.splitlines()}) <= 16


def test_locks_name_no_address() -> None:
    locks = list((ROOT / "requirements").glob("*.txt"))
    assert locks
    for lock in locks:
        assert not re.search(r"https?://", lock.read_text()), lock.name


def resolve(name: str) -> object:
    """Import the longest module there is, and look the rest up in it."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:count]))
        except ModuleNotFoundError:
            continue
        for part in parts[count:]:
            found = getattr(found, part)
        return found
    raise ModuleNotFoundError(name)


def test_every_dotted_name_in_the_documents_leads_somewhere() -> None:
    files = {"toml", "service", "timer", "socket", "db", "conf", "env"}  # okdrop.toml is a file
    for document in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for name in re.findall(r"(?<![\w./:-])okdrop(?:\.[A-Za-z_]\w*)+", document.read_text()):
            if name.split(".")[1] not in files or name.count(".") > 1:
                resolve(name)


def test_a_name_that_leads_nowhere_is_seen() -> None:
    assert resolve("okdrop.drop.Upload.handed_back")
    for name in ("okdrop.drop.Nothing", "okdrop.nothing"):
        with pytest.raises((AttributeError, ModuleNotFoundError)):
            resolve(name)


def test_every_rule_that_is_switched_off_has_a_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    ignored = re.search(r"^ignore = \[\n(.*?)^\]", text, re.DOTALL | re.MULTILINE)
    per_file = re.search(r"^\[tool\.ruff\.lint\.per-file-ignores\]\n(.*?)^\[", text, re.DOTALL | re.MULTILINE)
    assert ignored is not None
    assert per_file is not None
    lines = (ignored[1] + per_file[1]).splitlines()
    switched = [line for line in lines if re.search(r'"[A-Z]{1,4}\d*"', line)]
    assert len(switched) > 10
    for line in switched:
        assert re.search(r"#\s+\S+(\s+\S+)+", line), line

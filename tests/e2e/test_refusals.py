from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from e2e.harness import IMPORTS, KB, MB, Daemon, assert_published_once, received

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.harness import Ended


DEAD = (102, 103, 104)


async def test_dead_credentials_fail_nothing_and_all_goes_on_once_they_are_mended(start: Any) -> None:
    emulator, daemon = await start()
    files = daemon.files([100 * KB, 3 * MB])
    for code in DEAD:
        with emulator.faults.active("api_error", code=code, method="video.getUploadUrl"):
            ended = await daemon.ends()
        assert ended.code == 3
        [halted] = ended.named("pool.halted")
        assert halted["code"] == f"api_{code}"
        assert halted["hint"]
    assert not emulator.videos()
    for code in DEAD:
        with emulator.faults.active("api_error", code=code, method="video.update"):
            assert (await daemon.ends()).code == 3
    assert not emulator.summary()["published"]
    counts = (await daemon.status())["counts"]
    assert (counts["failed"], counts["finalizing"], counts["uploading"]) in {(0, 1, 1), (0, 2, 0)}
    assert (await daemon.ends()).code == 0
    assert_published_once(emulator.videos(), files)
    assert len(emulator.videos()) == len(files)


async def test_files_that_ok_refuses_hold_up_no_other(start: Any) -> None:
    emulator, daemon = await start(maximum_file_size=5 * MB)
    bad = {
        "a-large.mp4": (6 * MB, "file_too_large"),
        "b-small.mp4": (16 * 1024 - 1, "file_too_small"),
        "c-empty.mp4": (0, "file_too_small"),
    }
    for name, (size, _) in bad.items():
        daemon.file(name, size)
    censored = daemon.file("d-censored.mp4", 300 * KB)
    files = daemon.files([20 * KB, 2 * MB])
    daemon.set(upload__workers="1")  # one worker takes them in the order of their names
    with emulator.faults.active("api_error", code=454, method="video.update", times=1):
        assert (await daemon.ends()).code == 1
    assert_published_once(emulator.videos(), files)
    rows = {row["path"].rpartition("/")[2]: row for row in (await daemon.status())["uploads"]}
    wanted = {name: code for name, (_, code) in bad.items()} | {censored.name: "text_refused"}
    failed = {name: row["failure"]["code"] for name, row in rows.items() if row["failure"]}
    assert failed == wanted
    assert all(row["failure"]["hint"] for row in rows.values() if row["failure"])
    # What failed before is not this run's failure, and nothing is sent again.
    before = received(emulator)
    assert (await daemon.ends()).code == 0
    assert received(emulator) == before


async def usage(place: Path, arguments: tuple[str, ...] = ("run", "--once"), **settings: Any) -> Ended:
    daemon = Daemon(place, "http://127.0.0.1:9", **settings)
    return await daemon.ends(*arguments)


def is_one_line(ended: Ended) -> bool:
    lines = [line for line in ended.err.splitlines() if line and not line.startswith("{")]
    return len(lines) == 1 and "Traceback" not in ended.text


async def test_without_a_token_nobody_is_let_in(start: Any) -> None:
    emulator, daemon = await start(settings={"ok__access_token": None})
    daemon.files([20 * KB])
    ended = await daemon.ends()
    assert ended.code == 3
    assert "Traceback" not in ended.text
    assert "access_token" in ended.err
    assert not emulator.videos()
    assert (await daemon.status())["counts"]["failed"] == 0


async def test_a_missing_folder_is_2(tmp_path: Path) -> None:
    missing = str(tmp_path / "elsewhere")
    ended = await usage(tmp_path / "daemon", watch=json.dumps([{"path": missing}]))
    assert ended.code == 2
    assert is_one_line(ended)
    assert missing in ended.err


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({"watch": None}, "watch"),
        ({"upload__workers": "many"}, "upload.workers"),
        ({"upload__segment_size": "1KiB"}, "OKDROP_UPLOAD__SEGMENT_SIZE"),
        ({"upload__wrkers": "2"}, "OKDROP_UPLOAD__WORKERS"),
    ],
)
async def test_a_configuration_that_cannot_be_used_is_2_and_one_line(
    tmp_path: Path, settings: dict[str, Any], names: str
) -> None:
    ended = await usage(tmp_path / "daemon", **settings)
    assert ended.code == 2
    assert is_one_line(ended), ended.err
    assert names.lower() in ended.err.lower()


async def test_a_file_configures_as_the_environment_does(start: Any, tmp_path: Path) -> None:
    emulator, daemon = await start()
    settings = {name: value for name, value in daemon.environment.items() if name.startswith("OKDROP_")}
    toml = tmp_path / "okdrop.toml"
    toml.write_text(
        f"""
        [ok]
        application_key = "{settings["OKDROP_OK__APPLICATION_KEY"]}"
        access_token_file = "{tmp_path}/token"
        application_secret_key_file = "{tmp_path}/secret"
        api_url = "{emulator.api_url}"
        upload_hosts = ["127.0.0.1"]
        [[watch]]
        path = "{daemon.drop}"
        settle = 0
        title = "News: {{{{ stem }}}}"
        tags = ["news"]
        privacy = "FRIENDS"
        [ledger]
        url = "sqlite:///{daemon.ledger}"
        """
    )
    (tmp_path / "token").write_text(settings["OKDROP_OK__ACCESS_TOKEN"] + "\n")
    (tmp_path / "secret").write_text(settings["OKDROP_OK__APPLICATION_SECRET_KEY"])
    daemon.environment = {k: v for k, v in daemon.environment.items() if k not in settings}
    assert daemon.environment["PYTHONPATH"] == IMPORTS
    daemon.files([100 * KB])
    ended = await daemon.ends("run", "--once", "--config", str(toml))
    assert ended.code == 0, ended.err
    [video] = emulator.videos()
    assert (video["title"], video["tags"], video["privacy"]) == ("News: clip-0", "news", "FRIENDS")


# --- nothing to send ------------------------------------------------------------------------------------


async def test_dead_credentials_are_said_by_a_run_that_has_nothing_to_send(start: Any) -> None:
    emulator, daemon = await start()
    assert (await daemon.ends()).code == 0
    assert emulator.summary()["calls"] == {"users.getCurrentUser": 1}
    with emulator.faults.active("expire_session"):
        ended = await daemon.ends()
    assert (ended.code, [told["code"] for told in ended.named("pool.halted")]) == (3, ["api_102"])
    daemon.set(ok__access_token=None)
    ended = await daemon.ends()
    assert (ended.code, [told["code"] for told in ended.named("pool.halted")]) == (3, ["credentials_missing"])


async def test_a_run_that_has_nothing_to_send_ends_well_offline(start: Any) -> None:
    _, daemon = await start(settings={"ok__api_url": "http://127.0.0.1:9"})
    ended = await daemon.ends()
    assert (ended.code, ended.named("pool.halted")) == (0, [])


async def test_a_run_whose_credentials_were_accepted_does_not_ask_about_them(start: Any) -> None:
    emulator, daemon = await start()
    daemon.files([20 * KB])
    assert (await daemon.ends()).code == 0
    assert "users.getCurrentUser" not in emulator.summary()["calls"]

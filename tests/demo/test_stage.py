"""The demonstration's processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from okdrop.demo import stage

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_the_environment_is_the_demonstrations_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OKDROP_OK__ACCESS_TOKEN", "the caller's own")
    monkeypatch.setenv("OKDROP_CONFIG", "/etc/okdrop/okdrop.toml")
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/systemd/notify")
    told = stage.environment(tmp_path, "http://127.0.0.1:1")
    assert "the caller's own" not in told.values()
    assert "OKDROP_CONFIG" not in told
    assert "NOTIFY_SOCKET" not in told
    assert told["OKDROP_OK__API_URL"] == "http://127.0.0.1:1"


async def test_the_daemon_is_heard_and_ends_well(tmp_path: Path) -> None:
    (tmp_path / "drop").mkdir()
    async with stage.emulator(tmp_path / "ok") as url:
        assert await stage.videos(url) == []
        async with stage.daemon(tmp_path, url) as daemon:
            async for event in daemon.events():
                if event["event"] == "service.started":
                    break
    assert daemon.code == 0


async def test_a_daemon_that_cannot_start_is_heard_and_its_exit_code_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = stage.environment(tmp_path, "http://127.0.0.1:1") | {"OKDROP_WATCH": "[]"}
    monkeypatch.setattr(stage, "environment", lambda _place, _url: broken)
    async with stage.daemon(tmp_path, "http://127.0.0.1:1") as daemon:
        said = [event["said"] async for event in daemon.events()]
    assert "no folder is configured" in said[0]
    assert daemon.code == 2

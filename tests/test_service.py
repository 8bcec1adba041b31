"""The composition root: what the configuration becomes, and how a run's end becomes an exit code."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from okdrop import accounts, events, service
from okdrop.config import load
from okdrop.drop import State
from okdrop.emulator import ACCESS_TOKEN, APPLICATION_KEY, APPLICATION_SECRET_KEY, Emulator, Fault, Options
from okdrop.errors import ConfigurationError, Halted
from okdrop.ledger import read_only
from okdrop.pipeline import Brake, Tally
from okdrop.protocol.plan import Plan
from okdrop.stopping import Stop
from pipeline.bench import content

if TYPE_CHECKING:
    from pathlib import Path

    from okdrop.config import Config

NO_FILE = {"OKDROP_OK__API_URL": "http://127.0.0.1:1"}


def config(**variables: str) -> Config:
    return load(None, NO_FILE | {f"OKDROP_{name}": value for name, value in variables.items()})


def stopped(brake: Brake, *, signals: int = 0, was_cut: bool = False) -> Stop:
    return Stop(
        brake=brake,
        emit=lambda _event: None,
        drain_timeout=1.0,
        interrupt_cuts=False,
        cut=lambda: None,
        signals=signals,
        was_cut=was_cut,
    )


@pytest.mark.parametrize(
    ("failed", "signals", "was_cut", "halted", "code"),
    [
        (0, 0, False, False, service.OK),
        (1, 0, False, False, service.SOME_FAILED),
        (0, 1, False, False, service.OK),
        (1, 1, False, False, service.OK),
        (0, 0, False, True, service.NOT_AUTHORISED),
        (1, 0, False, True, service.NOT_AUTHORISED),
        (0, 2, True, False, service.CUT),
        (1, 2, True, True, service.CUT),
    ],
)
def test_exit_codes(failed: int, signals: int, code: int, *, was_cut: bool, halted: bool) -> None:
    brake, tally = Brake(), Tally()
    tally.add(State.PUBLISHED)
    for _ in range(failed):
        tally.add(State.FAILED)
    if halted:
        brake.halt(Halted("expired"))
    assert service._exit_code(stopped(brake, signals=signals, was_cut=was_cut), tally) == code


def test_the_codes_are_those_of_the_contract() -> None:
    codes = (service.OK, service.SOME_FAILED, service.USAGE, service.NOT_AUTHORISED, service.CUT)
    assert codes == (0, 1, 2, 3, 130)


def test_cuts_chosen_by_the_service_or_by_hand() -> None:
    assert service.plan(config()) == Plan()
    told = service.plan(config(UPLOAD__SEGMENT_SIZE="1MiB", UPLOAD__CONNECTIONS="7"))
    assert told == Plan(segment_size=1024 * 1024, connections=7)


def test_what_the_client_is_told() -> None:
    settings = accounts.client_settings(
        config(
            OK__UPLOAD_HOSTS='["127.0.0.1"]',
            UPLOAD__STALL_TIMEOUT="7s",
            UPLOAD__ANSWER_TIMEOUT="3m",
            NETWORK__PROXY="http://127.0.0.1:3128",
        )
    )
    assert (settings.api_url, settings.upload_hosts) == ("http://127.0.0.1:1", ("127.0.0.1",))
    assert (settings.stall_timeout, settings.answer_timeout) == (7.0, 180.0)
    assert settings.proxy is not None
    assert settings.proxy.rstrip("/") == "http://127.0.0.1:3128"
    plain = accounts.client_settings(config())
    assert (plain.proxy, plain.ca_file) == (None, None)


def test_who_we_are() -> None:
    told = accounts.credentials(
        config(
            OK__APPLICATION_KEY="PUBLIC",
            OK__ACCESS_TOKEN="token",
            OK__APPLICATION_SECRET_KEY="application",
            OK__SESSION_SECRET_KEY="session",
        )
    )
    assert (told.application_key, told.access_token) == ("PUBLIC", "token")
    assert (told.application_secret_key, told.session_secret_key) == ("application", "session")
    assert "token" not in repr(told).replace("access_token", "")


def test_a_daemon_that_is_stopped_while_halted_ends_well() -> None:
    brake = Brake(stays=True)
    brake.halt(Halted("expired"))
    brake.pull()
    assert service._exit_code(stopped(brake, signals=1), Tally()) == service.OK


# --- a run, in this process ------------------------------------------------------------------------------


def environment(place: Path, url: str, **variables: str) -> dict[str, str]:
    return {
        "OKDROP_OK__API_URL": url,
        "OKDROP_OK__UPLOAD_HOSTS": '["127.0.0.1"]',
        "OKDROP_OK__APPLICATION_KEY": APPLICATION_KEY,
        "OKDROP_OK__APPLICATION_SECRET_KEY": APPLICATION_SECRET_KEY,
        "OKDROP_OK__ACCESS_TOKEN": ACCESS_TOKEN,
        "OKDROP_WATCH": json.dumps([{"path": str(place / "drop"), "settle": "50ms"}]),
        "OKDROP_RETRY__FIRST_DELAY": "10ms",
        "OKDROP_LEDGER__URL": f"sqlite:///{place / 'ledger.db'}",
    } | variables


async def run_once(
    place: Path, *faults: Fault, told: list[events.Event] | None = None, **variables: str
) -> tuple[int, Any]:
    async with Emulator(Options(data_dir=place / "ok", faults=faults)) as emulator:
        loaded = load(None, environment(place, emulator.api_url, **variables))
        code = await service.run_once(loaded, (told if told is not None else []).append)
        return code, emulator.videos()


async def test_a_run_publishes_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "drop").mkdir()
    (tmp_path / "drop" / "a.mp4").write_bytes(content(50_000))
    told: list[events.Event] = []
    code, videos = await run_once(tmp_path, told=told)
    assert (code, [video["published"] for video in videos]) == (0, [True])
    assert told[0].name == "service.started"
    assert told[-1] == events.ServiceStopped(published=1, failed=0)


async def test_the_limits_in_force_are_told_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "drop").mkdir()
    told: list[events.Event] = []
    watch = [{"path": str(tmp_path / "drop"), "settle": "0s", "bandwidth": "2MiB/s"}]
    limits = {"OKDROP_UPLOAD__BANDWIDTH": "00:00,off", "OKDROP_WATCH": json.dumps(watch)}
    await run_once(tmp_path, told=told, **limits)
    assert [event for event in told if isinstance(event, events.BandwidthChanged)] == [
        events.BandwidthChanged(folder="", rate=0),
        events.BandwidthChanged(folder=str(tmp_path / "drop"), rate=2 * 1024 * 1024),
    ]
    told.clear()
    await run_once(tmp_path, told=told)
    assert not any(isinstance(event, events.BandwidthChanged) for event in told)


async def test_a_run_in_which_something_failed_for_good(tmp_path: Path) -> None:
    (tmp_path / "drop").mkdir()
    (tmp_path / "drop" / "a.mp4").write_bytes(b"")
    assert (await run_once(tmp_path))[0] == 1
    assert (await run_once(tmp_path))[0] == 0  # the next run is judged by itself


async def test_a_run_with_dead_credentials_fails_nothing(tmp_path: Path) -> None:
    (tmp_path / "drop").mkdir()
    (tmp_path / "drop" / "a.mp4").write_bytes(content(50_000))
    code, _ = await run_once(tmp_path, OKDROP_OK__ACCESS_TOKEN="another")
    assert code == 3
    with read_only(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
        assert ledger.counts()[State.FAILED] == 0


async def test_a_run_without_its_folder_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"watch\.path"):
        await run_once(tmp_path)


async def test_a_run_without_any_folder_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no folder is configured"):
        await run_once(tmp_path, OKDROP_WATCH="[]")


async def test_named_files_are_uploaded_under_a_title(tmp_path: Path) -> None:
    file = tmp_path / "named.mp4"
    file.write_bytes(content(50_000))
    async with Emulator(Options(data_dir=tmp_path / "ok")) as emulator:
        loaded = load(None, environment(tmp_path, emulator.api_url, OKDROP_WATCH="[]"))
        code = await service.upload(loaded, lambda _event: None, [bytes(file)], title="By hand")
        (video,) = emulator.videos()
    assert (code, video["title"], video["published"]) == (0, "By hand", True)


async def test_a_named_file_that_is_published_is_said_to_be(tmp_path: Path) -> None:
    told: list[events.Event] = []
    (tmp_path / "drop").mkdir()
    path = tmp_path / "drop" / "a.mp4"
    path.write_bytes(bytes(20_000))
    async with Emulator(Options(data_dir=tmp_path / "ok")) as emulator:
        loaded = load(None, environment(tmp_path, emulator.api_url))
        for _ in range(2):
            assert await service.upload(loaded, told.append, [os.fsencode(path)]) == 0
        assert len(emulator.videos()) == 1
    (known,) = [event for event in told if isinstance(event, events.FileKnown)]
    assert (known.state, known.video_id != "") == ("published", True)


async def test_a_named_file_that_failed_is_tried_again(tmp_path: Path) -> None:
    (tmp_path / "drop").mkdir()
    path = tmp_path / "drop" / "a.mp4"
    path.write_bytes(bytes(20_000))
    async with Emulator(Options(data_dir=tmp_path / "ok")) as emulator:
        loaded = load(None, environment(tmp_path, emulator.api_url))
        with emulator.faults.active("api_error", code=454, method="video.update"):
            assert await service.upload(loaded, lambda _event: None, [os.fsencode(path)]) == 1
        assert await service.upload(loaded, lambda _event: None, [os.fsencode(path)]) == 0
        (video,) = emulator.videos()
    assert (video["published"], video["held_bytes_resent"]) == (True, 0)

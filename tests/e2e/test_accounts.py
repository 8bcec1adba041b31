"""Two accounts in one daemon: each file goes to its folder's account, and one that is dead halts no other."""

from __future__ import annotations

import asyncio
import json
import random
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from e2e.harness import KB, assert_published_once, until
from e2e.test_secrets import FOUL, READING, SECRETS, secrets

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.harness import Daemon
    from okdrop.emulator import Emulator

TOKEN = "tkn2-secret-of-the-kids"
NEXT_TOKEN = "tkn3-secret-of-the-kids"
OTHERS = {TOKEN: "kids", NEXT_TOKEN: "kids"}


class House:
    """An installation with two folders: `drop` sends for [ok], `kids` for the account of that name."""

    def __init__(self, emulator: Emulator, daemon: Daemon) -> None:
        self.emulator = emulator
        self.daemon = daemon
        self.kids = daemon.place / "kids"
        self.kids.mkdir()
        self.token = daemon.place / "token"
        self.token.write_text(TOKEN + "\n")
        daemon.set(account__kids__access_token_file=str(self.token), log__level="info")
        self.watch()

    def watch(self, kids: str = "kids") -> None:
        folders = [
            {"path": str(self.daemon.drop), "settle": "0s", "rescan": "100ms"},
            {"path": str(self.kids), "settle": "0s", "rescan": "100ms", "account": kids},
        ]
        self.daemon.set(watch=json.dumps(folders))

    def theirs(self, name: str, size: int = 200 * KB) -> Path:
        """A file in the kids' folder."""
        beside, path = self.daemon.place / "beside", self.kids / name
        beside.write_bytes(random.Random(f"kids:{name}").randbytes(size))
        beside.rename(path)
        return path

    def mine(self, name: str) -> Path:
        return self.daemon.file(name, 200 * KB)

    def owners(self) -> dict[str, str]:
        """Title → whose the published video is."""
        return {video["title"]: video["owner"] for video in self.emulator.videos() if video["published"]}


@pytest.fixture
async def house(start: Any) -> House:
    return House(*await start(others=OTHERS))


async def look(address: str, path: str) -> tuple[int, str]:
    """What the daemon answers."""

    def ask() -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"{address}{path}") as answer:  # noqa: S310 - its own address
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    return await asyncio.to_thread(ask)


async def test_each_folders_files_are_published_on_its_account(house: House) -> None:
    files = [house.mine("mine.mp4"), house.theirs("theirs.mp4")]
    ended = await house.daemon.ends()
    assert ended.code == 0, ended.text
    assert_published_once(house.emulator.videos(), files)
    assert house.owners() == {"mine": "", "theirs": "kids"}
    rows = {row["path"].rpartition("/")[2]: row for row in (await house.daemon.status())["uploads"]}
    assert {name: row["account"] for name, row in rows.items()} == {"mine.mp4": "", "theirs.mp4": "kids"}


async def test_one_dead_token_halts_its_account_until_there_is_another(house: House) -> None:
    """The night one token dies: the other account's videos go on, and everybody who asks is told which."""
    house.emulator.sessions.end(TOKEN)
    house.daemon.set(retry__max_delay="5m", web__listen="127.0.0.1:0")
    files = [house.mine("mine.mp4"), house.theirs("theirs.mp4"), house.theirs("theirs-too.mp4")]
    async with house.daemon.staying(watched=2) as running:
        address = (await running.tells("service.ready"))["web"]
        halted = await running.tells("pool.halted")
        assert (halted["account"], halted["code"]) == ("kids", "api_102")
        assert "`account.kids.access_token`" in halted["hint"]
        await until(lambda: house.owners() == {"mine": ""})
        files.append(house.mine("later.mp4"))
        await until(lambda: house.owners() == {"mine": "", "later": ""})
        await told_everywhere(house, address)

        house.token.write_text(NEXT_TOKEN + "\n")
        resumed = await running.tells("pool.resumed")
        assert resumed["account"] == "kids"
        await until(lambda: len(house.owners()) == 4)
        assert (await look(address, "/readyz"))[0] == 200
        await until(lambda: not running.told("upload.failed") and len(running.told("upload.published")) == 4)
    assert_published_once(house.emulator.videos(), files)
    assert house.owners() == {"mine": "", "later": "", "theirs": "kids", "theirs-too": "kids"}


async def told_everywhere(house: House, address: str) -> None:
    """That one account is halted, and which."""
    code, body = await look(address, "/readyz")
    assert code == 503
    assert "halted: kids: " in body
    [ok, kids] = json.loads((await look(address, "/api/status"))[1])["accounts"]
    assert (ok["account"], ok["accepted"], ok["halted"], ok["folders"]) == ("", True, None, 1)
    assert (kids["account"], kids["accepted"], kids["folders"]) == ("kids", False, 1)
    assert kids["halted"]["code"] == "api_102"
    metrics = (await look(address, "/metrics"))[1]
    assert 'okdrop_halted{account="kids",code="api_102"} 1.0' in metrics
    assert 'okdrop_credentials_accepted{account="kids"} 0.0' in metrics
    assert 'okdrop_credentials_accepted{account=""} 1.0' in metrics
    uploads = json.loads((await look(address, "/api/uploads"))[1])["uploads"]
    waiting = [row for row in uploads if row["state"] == "queued"]
    assert {row["account"] for row in waiting} == {"kids"}
    document = await until_noted(house.daemon)
    assert (document["halted"]["account"], [halt["account"] for halt in document["halts"]]) == (
        "kids",
        ["kids"],
    )
    status = await house.daemon.ends("status")
    assert status.out.startswith("everything of the account kids waits since ")
    show = await house.daemon.ends("show", str(waiting[0]["id"]))
    assert "everything of the account kids waits since " in show.out
    [published] = [row for row in uploads if row["path"].endswith("mine.mp4")]
    assert "waits since" not in (await house.daemon.ends("show", str(published["id"]))).out
    health = await house.daemon.ends("health")
    assert (health.code, "the account kids waits" in health.out) == (0, True)


async def until_noted(daemon: Daemon) -> dict[str, Any]:
    """What `status --json` says, once it was written down who is halted."""
    async with asyncio.timeout(30):
        while True:
            document = await daemon.status()
            if document["halts"]:
                return document


async def test_a_run_that_ends_publishes_for_whom_it_can_and_ends_with_3(house: House) -> None:
    house.emulator.sessions.end(TOKEN)
    mine, theirs = house.mine("mine.mp4"), house.theirs("theirs.mp4")
    ended = await house.daemon.ends()
    assert ended.code == 3, ended.text
    assert [event["account"] for event in ended.named("pool.halted")] == ["kids"]
    assert ended.named("upload.failed") == []
    assert_published_once(house.emulator.videos(), [mine])
    assert await house.daemon.states() == {"mine.mp4": ["published"], "theirs.mp4": ["queued"]}
    house.token.write_text(NEXT_TOKEN)
    ended = await house.daemon.ends()
    assert ended.code == 0, ended.text
    assert_published_once(house.emulator.videos(), [mine, theirs])


async def test_an_account_without_a_token_is_not_authorised(house: House) -> None:
    house.daemon.set(account__kids__access_token_file=None, account__kids__application_key="emulator-key")
    house.daemon.set(account__kids__application_secret_key="x")
    house.mine("mine.mp4")
    house.theirs("theirs.mp4")
    ended = await house.daemon.ends()
    assert ended.code == 3
    [halted] = ended.named("pool.halted")
    assert (halted["account"], halted["code"]) == ("kids", "credentials_missing")
    assert "account.kids.access_token" in halted["message"]
    assert house.owners() == {"mine": ""}


async def test_uploads_wait_for_an_account_that_was_taken_out(house: House) -> None:
    house.emulator.sessions.end(TOKEN)
    theirs = house.theirs("theirs.mp4")
    assert (await house.daemon.ends()).code == 3
    house.daemon.set(account__kids__access_token_file=None)
    house.daemon.set(watch=json.dumps([{"path": str(house.daemon.drop), "settle": "0s"}]))
    mine = house.mine("mine.mp4")
    ended = await house.daemon.ends()
    assert ended.code == 3
    [halted] = ended.named("pool.halted")
    assert (halted["account"], halted["code"]) == ("kids", "account_missing")
    assert_published_once(house.emulator.videos(), [mine])
    assert (await house.daemon.states())["theirs.mp4"] == ["queued"]
    house.token.write_text(NEXT_TOKEN)
    house.daemon.set(account__kids__access_token_file=str(house.token))
    house.watch()
    assert (await house.daemon.ends()).code == 0
    assert_published_once(house.emulator.videos(), [mine, theirs])
    assert house.owners()["theirs"] == "kids"


async def test_a_named_file_is_published_on_the_account_that_is_named(house: House) -> None:
    file = house.daemon.place / "elsewhere.mp4"
    file.write_bytes(random.Random("elsewhere").randbytes(200 * KB))
    ended = await house.daemon.ends("upload", "--account", "kids", str(file))
    assert ended.code == 0, ended.text
    assert house.owners() == {"elsewhere": "kids"}
    again = await house.daemon.ends("upload", "--account", "", str(file))
    assert "published already" in again.out
    assert "it is of the account kids" in again.out
    strange = await house.daemon.ends("upload", "--account", "cats", str(file))
    assert strange.code == 2
    assert (
        strange.err.strip()
        .splitlines()[-1]
        .endswith(
            "--account 'cats': there is no such account; add a table [account.cats],"
            ' or name one of "kids", or "" for that of [ok]'
        )
    )


async def test_what_is_only_queued_goes_to_the_account_that_a_person_names(house: House) -> None:
    house.emulator.sessions.end(TOKEN)
    theirs = house.theirs("theirs.mp4")
    assert (await house.daemon.ends()).code == 3
    ended = await house.daemon.ends("upload", "--account", "", str(theirs))
    assert ended.code == 0, ended.text
    assert house.owners() == {"theirs": ""}
    house.token.write_text(NEXT_TOKEN)
    assert (await house.daemon.ends()).code == 0
    assert house.owners() == {"theirs": ""}  # it is known, whatever its folder sends for


async def test_a_folder_of_an_account_that_is_not_there_is_a_usage_error(house: House) -> None:
    house.watch(kids="cats")
    for command in (("run", "--once"), ("check",), ("status",)):
        ended = await house.daemon.ends(*command)
        assert ended.code == 2
        assert 'watch[1].account = "cats": there is no such account' in ended.err


async def test_check_says_a_line_for_each_account(house: House) -> None:
    ended = await house.daemon.ends("check")
    assert "ok    account: accepted, as Emulated User" in ended.out
    assert "ok    account kids: accepted, as kids" in ended.out
    assert ended.out.count("OK.ru: answers") == 1
    house.emulator.sessions.end(TOKEN)
    ended = await house.daemon.ends("check")
    assert ended.code == 3
    assert "ok    account: accepted" in ended.out
    assert "FAIL  account kids: " in ended.out


async def test_no_secret_of_any_account_is_ever_shown(start: Any) -> None:
    settings = {f"ok__{name}": value for name, value in SECRETS.items() if name != "session_secret_key"}
    settings |= {"log__level": "debug", "upload__stall_timeout": "1s", "upload__answer_timeout": "1s"}
    keys = {name: value for name, value in SECRETS.items() if name != "session_secret_key"}
    emulator, daemon = await start(*FOUL, settings=settings, others=OTHERS, **keys)
    house = House(emulator, daemon)
    daemon.set(log__level="debug")
    house.mine("mine.mp4")
    house.theirs("theirs.mp4")
    ended = await daemon.ends()
    assert ended.code == 0, ended.text
    shown = ended.text
    emulator.sessions.end(TOKEN)
    house.theirs("more.mp4")
    for arguments in (("run", "--once"), *READING):
        shown += (await daemon.ends(*arguments)).text
    assert house.owners() == {"mine": "", "theirs": "kids"}
    assert [secret for secret in (*secrets(emulator), TOKEN, NEXT_TOKEN) if secret in shown] == []

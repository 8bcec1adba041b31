"""What every key takes, refuses, and says when it refuses: one table, read through `load`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pydantic
import pytest

from okdrop.config import Bandwidth, Config, UploadMode, load
from okdrop.config.model import Order
from okdrop.config.watch import Watching
from okdrop.errors import ConfigurationError
from okdrop.rules import Done

HERE = Path(__file__)


def load_text(tmp_path: Path, text: str, **environ: str) -> Config:
    file = tmp_path / "okdrop.toml"
    file.write_text(text, encoding="utf-8")
    return load(file, environ)


def toml(key: str, value: object) -> str:
    section, name = key.split(".")
    written = json.dumps(value, ensure_ascii=False)
    if section == "watch":
        return f'[[watch]]\npath = "/srv/drop"\n{name} = {written}\n'
    return f"[{section}]\n{name} = {written}\n"


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("ok.application_key", "CBAJKLMN", "CBAJKLMN"),
        ("ok.application_id", 512000123, "512000123"),
        ("ok.access_token_expires", "", None),
        ("ok.access_token_expires", "2027-01-31", datetime(2027, 1, 31, tzinfo=UTC)),
        ("ok.access_token_expires", "2027-01-31T12:00:00+03:00", datetime(2027, 1, 31, 9, tzinfo=UTC)),
        ("ok.api_url", "https://api.ok.ru/", "https://api.ok.ru"),
        ("ok.api_url", "http://127.0.0.1:8400", "http://127.0.0.1:8400"),
        ("ok.api_url", "http://[::1]:8400", "http://[::1]:8400"),
        ("ok.upload_hosts", ["*.OKCDN.ru", "127.0.0.1", "::1"], ("*.okcdn.ru", "127.0.0.1", "::1")),
        ("network.ca_file", "/etc/ca.pem", Path("/etc/ca.pem")),
        ("network.ca_file", "", None),
        ("intake.suffixes", [".MP4", "mkv"], ("mp4", "mkv")),
        ("watch.settle", "1h30m", 5400.0),
        ("watch.settle", 0, 0.0),
        ("watch.group_id", 53001234567890, "53001234567890"),
        ("watch.group_id", "{{ parts[0] }}", "{{ parts[0] }}"),
        ("watch.take", ["*.mp4", "!raw/"], ("*.mp4", "!raw/")),
        ("watch.leave", ["raw/", "\\#1.mp4"], ("raw/", "\\#1.mp4")),
        ("watch.min_size", "5MiB", 5 << 20),
        ("watch.max_size", "", None),
        ("watch.max_size", "1GB", 10**9),
        ("watch.min_age", "1m", 60.0),
        ("watch.max_age", "", None),
        ("watch.max_age", "30d", 30 * 86400.0),
        ("watch.done", "", Done.QUIET),
        ("watch.done", "manifest", Done.MANIFEST),
        ("watch.title", "{{ folder }} / {{ stem }}", "{{ folder }} / {{ stem }}"),
        ("watch.privacy", "FRIENDS", "FRIENDS"),
        ("watch.move_to", "/srv/done/", Path("/srv/done")),
        ("upload.mode", "multipart", UploadMode.MULTIPART),
        ("upload.workers", "4", 4),
        ("upload.order", "smallest", Order.SMALLEST),
        ("watch.priority", "-7", -7),
        ("watch.watching", "poll", Watching.POLL),
        ("watch.poll", "500ms", 0.5),
        ("watch.depth", "unlimited", "unlimited"),
        ("watch.depth", 0, 0),
        ("watch.depth", "3", 3),
        ("upload.gentle_reads", True, True),
        ("upload.gentle_reads", "False", False),
        ("watch.priority", 1000, 1000),
        ("upload.connections", 16, 16),
        ("upload.connections", "auto", "auto"),
        ("upload.segment_size", "64KiB", 65536),
        ("upload.segment_size", 1 << 30, 1 << 30),
        ("upload.bandwidth", "20MiB/s", Bandwidth.parse("20MiB/s")),
        ("upload.drain_timeout", 0, 0.0),
        ("web.listen", "", ""),
        ("web.listen", "[::1]:0", "[::1]:0"),
        ("log.level", "debug", "debug"),
    ],
)
def test_what_a_key_takes(tmp_path: Path, key: str, value: object, expected: object) -> None:
    config = load_text(tmp_path, toml(key, value))
    section, name = key.split(".")
    table = config.watch[0] if section == "watch" else getattr(config, section)
    assert getattr(table, name) == expected


REFUSED: list[tuple[str, Any, str]] = [
    ("ok.application_key", "a b", "must hold no blanks"),
    ("ok.access_token_expires", "soon", "must be a day"),
    ("ok.access_token_expires", 7, "must be a day"),
    ("ok.api_url", "http://api.ok.ru", "plain http:// is for loopback"),
    ("ok.api_url", "ftp://localhost", "must begin with https://"),
    ("ok.api_url", "api.ok.ru", "must be a URL"),
    ("ok.api_url", "https://api.ok.ru:0", "must be a URL"),
    ("ok.api_url", "https://api.ok.ru/?a=b", "without user, query"),
    ("ok.upload_hosts", ["vu.okcdn.ru:443"], "without scheme and port"),
    ("ok.upload_hosts", ["https://vu.okcdn.ru"], "without scheme and port"),
    ("ok.upload_hosts", ["*"], "without scheme and port"),
    ("ok.upload_hosts", ["*.ru"], "without scheme and port"),
    ("ok.upload_hosts", ["vu.*.ru"], "without scheme and port"),
    ("ok.upload_hosts", "vu.okcdn.ru", "must be a list"),
    ("network.ca_file", "ca.pem", "must be an absolute path"),
    ("intake.suffixes", [], "at least one"),
    ("intake.suffixes", ["*.mp4"], "without wildcards"),
    ("intake.ignore", ["a/b"], 'hold a "/"'),
    ("intake.ignore", [""], "may not be empty"),
    ("watch.settle", "soon", "must be seconds"),
    ("watch.settle", True, "must be seconds"),
    ("watch.rescan", 0, "longer than 0"),
    ("watch.group_id", "group:1", "gid"),
    ("watch.group_id", "{{ stem }}", "a group is known by folder, parts, path alone"),
    ("watch.group_id", "{{ parts", "is no template"),
    ("watch.take", ["#note"], "is no pattern"),
    ("watch.leave", ["/"], "is no pattern"),
    ("watch.leave", ["a\\"], "is no pattern"),
    ("watch.leave", "raw/", "must be a list"),
    ("watch.min_size", "much", "must be bytes"),
    ("watch.max_size", -1, "must be bytes"),
    ("watch.min_age", "old", "must be seconds"),
    ("watch.max_age", "5s", "`settle` is 10 s; make it longer"),
    ("watch.done", "yes", 'must be one of "", "marker" or "manifest"'),
    ("watch.done_name", "a/b", 'without "/"'),
    ("watch.done_name", ".ok", 'set `done` to "marker" or "manifest" too'),
    ("watch.title", "{{ stem", "is no template"),
    ("watch.title", "{{ stm }}", "speaks of stm, which is unknown"),
    ("watch.title", "{{ stem | nosuch }}", "is no template"),
    ("watch.description", "{% include 'x' %}", "may not include"),
    ("watch.tags", ["{{ range(3) }}"], "speaks of range"),
    ("watch.tags", "news", "must be a list"),
    ("watch.privacy", "PRIVATE", 'must be one of "PUBLIC" or "FRIENDS"'),
    ("watch.after", "move", "absent"),
    ("watch.after", "burn", 'must be one of "keep", "move" or "delete"'),
    ("watch.move_to", "done", "must be an absolute path"),
    ("watch.move_to", "/srv/drop/done", "would be found as a new one"),
    ("watch.existing", "leave", 'must be one of "take" or "ignore"'),
    ("upload.mode", "parallel", 'must be one of "renewable" or "multipart"'),
    ("upload.workers", 0, "whole number from 1 to 64"),
    ("upload.workers", 2.5, "whole number from 1 to 64"),
    ("upload.workers", True, "whole number from 1 to 64"),
    ("upload.workers", -1, "whole number from 1 to 64"),
    ("upload.order", "fastest", 'must be one of "oldest", "newest", "smallest" or "largest"'),
    ("watch.watching", "fanotify", 'must be one of "auto", "events" or "poll"'),
    ("watch.poll", 0, "longer than 0"),
    ("watch.depth", -1, 'from 0 to 9999, or "unlimited"'),
    ("watch.depth", "deep", 'from 0 to 9999, or "unlimited"'),
    ("upload.gentle_reads", "gently", "must be true or false"),
    ("upload.gentle_reads", 1, "must be true or false"),
    ("watch.priority", 1001, "whole number from -1000 to 1000"),
    ("watch.priority", "high", "whole number from -1000 to 1000"),
    ("watch.priority", 0.5, "whole number from -1000 to 1000"),
    ("upload.connections", 17, 'from 1 to 16, or "auto"'),
    ("upload.connections", "many", 'from 1 to 16, or "auto"'),
    ("upload.segment_size", "63KiB", "from 64KiB to 1GiB"),
    ("upload.segment_size", "2GiB", "from 64KiB to 1GiB"),
    ("upload.bandwidth", "fast", 'must be a rate like "20MiB/s"'),
    ("upload.bandwidth", "20", 'write the unit, like "20MiB/s"'),
    ("upload.stall_timeout", "0s", "longer than 0"),
    ("retry.max_delay", "500ms", "must not be shorter than retry.first_delay"),
    ("web.listen", "8480", '"host:port"'),
    ("web.listen", "localhost:70000", '"host:port"'),
    ("log.format", "xml", 'must be one of "auto", "json" or "console"'),
]


def test_a_day_and_a_time_may_be_tomls_own(tmp_path: Path) -> None:
    for written, moment in [
        ("2027-01-31", datetime(2027, 1, 31, tzinfo=UTC)),
        ("2027-01-31T12:00:00", datetime(2027, 1, 31, 12, tzinfo=UTC)),
        ("2027-01-31T12:00:00+03:00", datetime(2027, 1, 31, 9, tzinfo=UTC)),
    ]:
        line = f"access_token_expires = {written}\n"
        config = load_text(tmp_path, f"[ok]\n{line}[account.kids]\n{line}[account.cats]\n")
        ends = {name: account.access_token_expires for name, account in config.accounts.items()}
        assert ends == {"": moment, "kids": moment, "cats": None}


@pytest.mark.parametrize(("key", "value", "text"), [row for row in REFUSED if row[2] != "absent"])
def test_what_a_key_refuses(tmp_path: Path, key: str, value: object, text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_text(tmp_path, toml(key, value))
    message = str(caught.value)
    shown = key.replace("watch.", "watch[0].")
    item = "[0]" if isinstance(value, list) and value else ""
    wanted = json.dumps(value[0] if item else value, ensure_ascii=False)
    assert message.startswith(f"{tmp_path}/okdrop.toml: {shown}{item} = {wanted}: ")
    assert text in message
    assert all(line.startswith(f"{tmp_path}/okdrop.toml: ") for line in message.split("\n"))


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ('[[watch]]\npath = "/a"\nafter = "move"\n', "watch[0].move_to", '`after` is "move"'),
        ("[[watch]]\nsettle = 1\n", "watch[0].path", "is required"),
        ('[[watch]]\npath = "/a"\ntake = ["!raw/"]\n', "watch[0].take", "takes nothing"),
        (
            '[[watch]]\npath = "/a"\nmin_size = "2MB"\nmax_size = "1MB"\n',
            'watch[0].max_size = "1MB"',
            "`min_size` is 2000000 bytes",
        ),
        (
            '[[watch]]\npath = "/a"\nmin_age = "2h"\nmax_age = "1h"\n',
            'watch[0].max_age = "1h"',
            "`min_age` is 7200 s",
        ),
        (
            '[[watch]]\npath = "/a"\ndone = "marker"\ndone_name = ".mp4"\n',
            'watch[0].done_name = ".mp4"',
            "would be a video by its name",
        ),
        (
            '[[watch]]\npath = "/a"\ndone = "manifest"\ndone_name = "list.mp4"\n',
            "watch[0].done_name",
            "would be a video by its name",
        ),
        ('[web]\nlisten = "0.0.0.0:8480"\n', "web.token", "set a token"),
        ('[web]\nlisten = "okdrop.example:8480"\n', "web.token", "set a token"),
        ('[web]\nview_token = "t0ken"\n', "web.view_token", "needs web.token"),
        ('[web]\ntoken = "t0ken"\nview_token = "t0ken"\n', "web.view_token", "another one than web.token"),
        ('[[watch]]\npath = "/a"\n[[watch]]\npath = "/b/../a/"\n', "watch[1].path", "watch[0].path already"),
        ('[[watch]]\npath = "/a"\n[[watch]]\npath = "/a/b"\n', "watch[1].path", "lies in watch[0].path"),
        ('[[watch]]\npath = "/a/b"\n[[watch]]\npath = "/a"\n', "watch[1].path", "holds watch[0].path"),
        ('[[watch]]\npath = "drop"\n', "watch[0].path", "must be an absolute path"),
        ('[[watch]]\npath = "~/drop"\n', "watch[0].path", "HOME"),
        ('[[watch]]\npath = "/a\\u0000b"\n', "watch[0].path", "must be an absolute path"),
        (
            '[[watch]]\npath = "/a"\nmove_to = "/b/x"\n[[watch]]\npath = "/b"\n',
            "watch[0].move_to",
            "watch[1].path",
        ),
        ("watch = 5\n", "watch", "two brackets"),
        ("watch = [5]\n", "watch[0]", "must be a table"),
        ("ok = 5\n", "ok", "must be a table"),
        ('[ledger]\nurl = "sqlite:///ledger.db"\n', "ledger.url", 'four slashes: "sqlite:////'),
        ('[ledger]\nurl = "mysql://host/db"\n', "ledger.url", "four slashes"),
        ('[network]\nproxy = "socks5://host"\n', "network.proxy", "http:// or https://"),
        ('[ok]\naccess_token = "a b"\n', "ok.access_token", "no blanks"),
    ],
)
def test_keys_that_need_each_other(tmp_path: Path, text: str, key: str, words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_text(tmp_path, text)
    message = str(caught.value)
    assert f"okdrop.toml: {key}" in message
    assert words in message
    assert "\n" not in message


def test_web_is_open_only_with_a_token(tmp_path: Path) -> None:
    config = load_text(tmp_path, '[web]\nlisten = "0.0.0.0:8480"\ntoken = "t0ken"\n')
    assert config.web.address == (str(IPv4Address(0)), 8480)
    assert load_text(tmp_path, '[web]\nlisten = ""\n').web.address is None
    assert load_text(tmp_path, '[web]\nlisten = "[::1]:80"\n').web.address == ("::1", 80)


def test_the_tree_is_frozen() -> None:
    config = Config()
    with pytest.raises(pydantic.ValidationError):
        config.upload.workers = 3  # type: ignore[misc]
    assert hash(config) == hash(Config())


def test_secrets_are_in_no_dump(tmp_path: Path) -> None:
    config = load_text(
        tmp_path,
        '[ok]\naccess_token = "hush-1"\n[web]\ntoken = "hush-2"\n[network]\nproxy = "http://u:hush-3@p:1"\n'
        '[ledger]\nurl = "postgresql://u:hush-4@h/d"\n',
    )
    assert config.ok.access_token.get_secret_value() == "hush-1"
    assert config.ledger.url.get_secret_value() == "postgresql://u:hush-4@h/d"
    for dump in (repr(config), str(config), str(config.model_dump()), config.model_dump_json()):
        assert "hush" not in dump

"""Who gets messages, in the configuration: what is taken, and in what words the rest is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from config.test_notices import loaded, refusal
from okdrop.config import Config, load
from okdrop.config.notify import LEVELS
from okdrop.steps import Occasion

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = "123456:secret-token"
NOTIFY = f'[[notify]]\nname = "phone"\nurl = "tgram://{TOKEN}/12"\n'


def test_what_is_not_said_has_a_default(tmp_path: Path) -> None:
    (one,) = loaded(tmp_path, NOTIFY).notify
    assert one.occasions == frozenset(one.events)
    assert Occasion.CONFIRMED not in one.occasions
    assert (one.digest, one.at_most, one.per, one.quiet.spans, one.urgent) == (0.0, 10, 600.0, (), ())
    assert (one.timeout, one.give_up_after, one.tries, one.language) == (30.0, 86_400.0, 100, "en")


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ('[[notify]]\nname = "phone"\n', "notify[0].url", "set the address that messages go to"),
        ('[[notify]]\nurl = "ntfy://topic"\n', "notify[0].name", "is required"),
        ('[[notify]]\nname = "phone"\nurl = "topic"\n', "notify[0].url", "as Apprise writes it"),
        ('[[notify]]\nname = "phone"\nurl = "a://b c://d"\n', "notify[0].url", "one address"),
        ('[[notify]]\nname = "phone"\nurl = "jsons://h/x?verify=no"\n', "notify[0].url", "TLS verified"),
        ('[[notify]]\nname = "phone"\nurl = "jsons://h/x?verify="\n', "notify[0].url", "TLS verified"),
        (NOTIFY + 'events = ["uploaded"]\n', "notify[0].events[0]", "must be one of"),
        (NOTIFY + 'urgent = ["fire"]\n', "notify[0].urgent[0]", "must be one of"),
        (NOTIFY + 'level = "debug"\n', "notify[0].level", "must be one of"),
        (NOTIFY + 'events = ["published"]\nlevel = "error"\n', "notify[0].level", "leaves nothing of events"),
        (NOTIFY + 'language = "de"\n', "notify[0].language", "must be one of"),
        (NOTIFY + 'quiet = "night"\n', "notify[0].quiet", "must be hours"),
        (NOTIFY + 'quiet = "00:00-24:00"\n', "notify[0].quiet", "leaves no hour"),
        (NOTIFY + "at_most = 0\n", "notify[0].at_most", "from 1 to"),
        (NOTIFY + 'per = "2d"\n', "notify[0].per", "not longer than a day"),
        (NOTIFY + 'per = "0s"\n', "notify[0].per", "longer than 0"),
        (NOTIFY + 'timeout = "6m"\n', "notify[0].timeout", "not longer than five minutes"),
        (NOTIFY + 'timeout = "0s"\n', "notify[0].timeout", "longer than 0"),
        (NOTIFY + 'folders = ["/srv/other"]\n', "notify[0].folders[0]", "is no watched folder"),
        (NOTIFY + NOTIFY, "notify[1].name", "is notify[0].name already"),
        ('[notify]\nname = "phone"\n', "notify", "two brackets"),
    ],
)
def test_what_is_wrong_is_said_where_it_stands(tmp_path: Path, text: str, key: str, words: str) -> None:
    said = refusal(tmp_path, text)
    assert f": {key}" in said
    assert words in said
    assert "secret" not in said


def test_no_address_is_in_a_complaint_a_repr_or_a_dump(tmp_path: Path) -> None:
    said = refusal(tmp_path, NOTIFY.replace("tgram://", "no address: "))
    assert "secret-token" not in said
    config = loaded(tmp_path, NOTIFY)
    assert "secret-token" not in repr(config)
    assert "secret-token" not in config.model_dump_json()


def test_an_address_comes_from_where_secrets_do(tmp_path: Path) -> None:
    def found(text: str = "", **environ: str) -> str:
        table = '[[notify]]\nname = "phone"\n' + text
        return loaded(tmp_path, table, **environ).notify[0].url.get_secret_value()

    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "notify_phone").write_text("ntfy://folder\n")
    (tmp_path / "own").write_text("ntfy://own\n")
    folder = {"CREDENTIALS_DIRECTORY": str(credentials)}
    named = f'url_file = "{tmp_path}/own"\n'
    assert found('url = "ntfy://inside"\n') == "ntfy://inside"
    assert found('url = "ntfy://inside"\n', **folder) == "ntfy://folder"
    assert found(named, **folder) == "ntfy://own"
    assert found(named, OKDROP_NOTIFY__PHONE__URL="ntfy://said") == "ntfy://said"
    assert "there is no [[notify]]" in refusal(tmp_path, "", OKDROP_NOTIFY__PHONE__URL="ntfy://said")


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    said = refusal(tmp_path, '[[notify]]\nname = "phone"\nurl_file = "/nowhere/url"\n')
    assert "notify[0].url" in said
    assert "/nowhere/url" in said


def test_all_of_it_may_come_from_the_environment(tmp_path: Path) -> None:
    config = loaded(
        tmp_path, "", OKDROP_NOTIFY='[{"name": "n", "url": "ntfy://topic", "quiet": "23:00-08:00"}]'
    )
    assert str(config.notify[0].quiet) == "23:00-08:00"


def test_whoever_needs_no_secrets_need_not_be_able_to_read_them(tmp_path: Path) -> None:
    file = tmp_path / "okdrop.toml"
    file.write_text('[[notify]]\nname = "phone"\nurl_file = "/nowhere/url"\n')
    assert load(file, {}, secrets=False).notify[0].url.get_secret_value() == ""
    assert load(file, {}, secrets_of=("web",)).notify[0].url.get_secret_value() == ""


def test_a_level_leaves_what_is_less_grave_and_the_end_of_it() -> None:
    def occasions(level: str) -> set[str]:
        table = {"name": "n", "url": "ntfy://topic", "level": level, "events": [*Occasion]}
        return {*Config.model_validate({"notify": [table]}).notify[0].occasions}

    assert occasions("info") == {*Occasion}
    assert occasions("warning") == {"failed", "refused", "disk_low", "halted", "folder_missing", "recovered"}
    assert occasions("error") == {"halted", "folder_missing", "recovered"}
    assert {*LEVELS} == {*Occasion}


def test_how_long_a_thing_may_have_to_wait_for_its_hour_is_counted() -> None:
    table = {"name": "n", "url": "ntfy://topic", "digest": "1h", "quiet": "23:00-08:00", "per": "10m"}
    (one,) = Config.model_validate({"notify": [table]}).notify
    assert one.longest_wait >= 3600 + 9 * 3600 + 600

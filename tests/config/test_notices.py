"""Hooks and webhooks in the configuration: what is taken, and in what words the rest is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from okdrop.config import Config, load
from okdrop.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "a-secret-of-some-length"
WATCH = '[[watch]]\npath = "/srv/drop"\n'
HOOK = '[[hook]]\nname = "h"\ncommand = ["/bin/true"]\n'
WEBHOOK = '[[webhook]]\nname = "w"\nurl = "https://example.org/private-token"\n'


def loaded(tmp_path: Path, text: str, **environ: str) -> Config:
    file = tmp_path / "okdrop.toml"
    file.write_text(WATCH + text)
    return load(file, environ)


def refusal(tmp_path: Path, text: str, **environ: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        loaded(tmp_path, text, **environ)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ('[[hook]]\nname = "h"\n', "hook[0].command", "is required"),
        ('[[hook]]\ncommand = ["/bin/true"]\n', "hook[0].name", "is required"),
        ('[[hook]]\nname = "h"\ncommand = []\n', "hook[0].command", "at least one"),
        ('[[hook]]\nname = "h"\ncommand = ["true"]\n', "hook[0].command", "absolute path of a program"),
        ('[[hook]]\nname = "h"\ncommand = "/bin/true"\n', "hook[0].command", "must be a list"),
        ('[[hook]]\nname = "My hook"\ncommand = ["/bin/true"]\n', "hook[0].name", "small letters"),
        (HOOK + 'events = ["uploaded"]\n', "hook[0].events[0]", 'must be one of "published"'),
        (HOOK + "events = []\n", "hook[0].events", "at least one"),
        (HOOK + 'folders = ["/srv/other"]\n', "hook[0].folders[0]", "is no watched folder"),
        (HOOK + HOOK, "hook[1].name", "is hook[0].name already"),
        (HOOK + 'timeout = "0s"\n', "hook[0].timeout", "longer than 0"),
        (HOOK + "shell = true\n", "hook[0].shell", "there is no such key"),
        ('[hook]\nname = "h"\n', "hook", "two brackets"),
        ('[webhook]\nname = "h"\n', "webhook", "two brackets"),
        (WEBHOOK, "webhook[0].secret", "at least 16 characters"),
        (WEBHOOK + 'secret = "short"\n', "webhook[0].secret", "at least 16 characters"),
        (
            '[[webhook]]\nname = "w"\nurl = "http://example.org/"\n',
            "webhook[0].url",
            "must begin with https://",
        ),
        ('[[webhook]]\nname = "w"\nurl = "https://a:b@example.org/"\n', "webhook[0].url", "without user"),
        ('[[webhook]]\nname = "w"\nurl = "example"\n', "webhook[0].url", "must be a URL"),
    ],
)
def test_what_is_wrong_is_said_where_it_stands(tmp_path: Path, text: str, key: str, words: str) -> None:
    said = refusal(tmp_path, text)
    assert f": {key}" in said
    assert words in said


def test_no_secret_and_no_address_is_in_a_complaint(tmp_path: Path) -> None:
    said = refusal(tmp_path, WEBHOOK.replace("https", "http") + 'secret = "hushhush hushhush"\n')
    assert "hush" not in said
    assert "private-token" not in said


def test_plain_http_is_for_this_machine(tmp_path: Path) -> None:
    text = f'[[webhook]]\nname = "w"\nurl = "http://127.0.0.1:5678/x"\nsecret = "{SECRET}"\n'
    assert loaded(tmp_path, text).webhook[0].timeout == 10.0


def test_a_secret_comes_from_where_the_others_do(tmp_path: Path) -> None:
    def found(text: str = "", **environ: str) -> str:
        return loaded(tmp_path, WEBHOOK + text, **environ).webhook[0].secret.get_secret_value()

    inside, own, folder = (f"{word}-secret-of-length" for word in ("inside", "own", "folder"))
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "webhook_w").write_text(folder + "\n")
    (tmp_path / "own").write_text(own)
    assert found(f'secret = "{inside}"\n') == inside
    assert found(f'secret = "{inside}"\n', CREDENTIALS_DIRECTORY=str(credentials)) == folder
    named = f'secret_file = "{tmp_path}/own"\n'
    assert found(named, CREDENTIALS_DIRECTORY=str(credentials)) == own
    assert found(named, OKDROP_WEBHOOK__W__SECRET=SECRET) == SECRET


def test_a_secret_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    said = refusal(tmp_path, WEBHOOK + 'secret_file = "/nowhere/secret"\n')
    assert "webhook[0].secret" in said
    assert "/nowhere/secret" in said


def test_a_secret_for_no_webhook_is_said(tmp_path: Path) -> None:
    said = refusal(tmp_path, "", OKDROP_WEBHOOK__W__SECRET=SECRET)
    assert "OKDROP_WEBHOOK__W__SECRET" in said
    assert "there is no [[webhook]]" in said


def test_all_of_them_may_come_from_the_environment(tmp_path: Path) -> None:
    config = loaded(
        tmp_path,
        "",
        OKDROP_HOOK='[{"name": "h", "command": ["/bin/true"]}]',
        OKDROP_WEBHOOK='[{"name": "w", "url": "https://example.org/"}]',
        OKDROP_WEBHOOK__W__SECRET=SECRET,
    )
    assert config.hook[0].command == ("/bin/true",)
    assert config.webhook[0].secret.get_secret_value() == SECRET


def test_whoever_needs_no_secrets_need_not_be_able_to_read_them(tmp_path: Path) -> None:
    file = tmp_path / "okdrop.toml"
    file.write_text(WATCH + WEBHOOK + 'secret_file = "/nowhere/secret"\n')
    for wanted in ({"secrets": False}, {"secrets_of": ("web",)}):
        config = load(file, {}, **wanted)  # type: ignore[arg-type]
        assert config.webhook[0].secret.get_secret_value() == ""


def test_what_a_hook_finds_in_its_environment_is_no_configuration(tmp_path: Path) -> None:
    """A hook may call okdrop."""
    loaded(tmp_path, "", OKDROP_EVENT="published", OKDROP_PATH="/a", OKDROP_MOVED_TO="")


# --- where files move to ------------------------------------------------------------------------------


def moving(move_to: str, **more: Any) -> Config:
    watch = {"path": "/srv/drop", "after": "move", "move_to": move_to} | more
    return Config.model_validate({"watch": [watch]})


def test_a_template_has_a_folder_that_is_always_the_same() -> None:
    watch = moving("/archive/x/{{ published.year }}/{{ name }}").watch[0]
    assert str(watch.move_folder) == "/archive/x"
    assert str(watch.move_to) == "/archive/x/{{ published.year }}/{{ name }}"


@pytest.mark.parametrize(
    ("move_to", "words"),
    [
        ("/srv/drop/{{ name }}", "would be found as a new one"),
        ("/srv/drop/kept/{{ name }}", "would be found as a new one"),
        ("/srv/{{ folder }}/{{ name }}", "could lead into"),
        ("archive/{{ name }}", "must be an absolute path"),
        ("/archive/{{ published.year }}", "must end in"),
        ("/archive/{{ nothing }}/", "is unknown; known are"),
    ],
)
def test_a_published_file_never_moves_to_where_it_is_found(move_to: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        moving(move_to)


@pytest.mark.parametrize(
    "move_to", ["/srv/drop/.kept/{{ name }}", "/srv/dropped/{{ name }}", "/archive/{{ id }}/"]
)
def test_other_places_will_do(move_to: str) -> None:
    assert moving(move_to)


@pytest.mark.parametrize("key", ["move_along", "delete_along"])
@pytest.mark.parametrize("suffix", ["", "*.json", "a/b", "."])
def test_a_sidecar_has_a_plain_suffix(suffix: str, key: str) -> None:
    with pytest.raises(ValueError, match="end of a name"):
        moving("/archive", **{key: [suffix]})


def test_sidecars_may_be_none() -> None:
    assert moving("/archive", move_along=[]).watch[0].move_along == ()
    assert moving("/archive", move_along=[".SRT"]).watch[0].move_along == ("srt",)


def test_by_default_nothing_is_deleted_with_a_video_that_somebody_else_made() -> None:
    plain = moving("/archive").watch[0]
    assert "jpg" in plain.move_along
    assert plain.delete_along == ()
    assert moving("/archive", delete_along=["srt"]).watch[0].delete_along == ("srt",)

"""Who hears of what, as the configuration says."""

from __future__ import annotations

from okdrop.config import Config
from okdrop.pipeline.listeners import notices
from okdrop.steps import Kind, Occasion

SECRET = "a-secret-of-some-length"


def test_hooks_and_webhooks_are_those_of_the_configuration() -> None:
    config = Config.model_validate(
        {
            "watch": [{"path": "/srv/drop"}],
            "hook": [
                {"name": "h", "command": ["/bin/true", "-x"], "folders": ["/srv/drop"], "timeout": "5s"}
            ],
            "webhook": [{"name": "w", "url": "https://example.org/x", "secret": SECRET, "events": ["moved"]}],
        }
    )
    told = notices(config, {"PATH": "/bin", "OKDROP_OK__ACCESS_TOKEN": "secret"})
    hook, webhook = told.listeners
    assert (hook.kind, hook.lane, hook.folders) == (Kind.HOOK, "hook:h", frozenset({"/srv/drop"}))
    assert Occasion.FAILED in hook.occasions
    assert Occasion.CONFIRMED not in hook.occasions
    assert (webhook.lane, webhook.occasions) == ("webhook:w", frozenset({Occasion.MOVED}))
    assert told.commands["hook:h"].command == ("/bin/true", "-x")
    assert told.commands["hook:h"].timeout == 5.0
    assert told.addresses["webhook:w"].url == "https://example.org/x"
    assert dict(told.environment) == {"PATH": "/bin"}
    assert SECRET not in repr(told)

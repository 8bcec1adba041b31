from __future__ import annotations

import pytest

from okdrop.errors import GaveUp
from okdrop.metadata import Beside, BrokenSidecar, Settings, require_sound
from okdrop.metadata.said import Said, merged

BROKEN = Beside(sidecars=merged([("x.json", Said(problems=("it is no JSON", "another"))), ("x.txt", Said())]))


def test_a_sidecar_that_cannot_be_understood_holds_its_video() -> None:
    with pytest.raises(GaveUp, match=r"x\.json cannot be used: it is no JSON, and 1 more") as caught:
        require_sound(Settings(), BROKEN)
    assert caught.value.code == "sidecar_broken"
    assert "mend it" in caught.value.hint


def test_a_folder_may_have_it_ignored() -> None:
    require_sound(Settings(broken_sidecar=BrokenSidecar.IGNORE), BROKEN)
    require_sound(Settings(), Beside())


@pytest.mark.parametrize(
    ("settings", "inside"),
    [
        (Settings(), False),
        (Settings(title="{{ sidecar.title }}"), False),
        (Settings(title="{{ media.title or stem }}"), True),
        (Settings(tags=("{{ height }}p",)), True),
        (Settings(description="{% if duration > 60 %}long{% endif %}"), True),
    ],
)
def test_a_file_is_looked_into_only_where_a_template_asks_for_it(settings: Settings, *, inside: bool) -> None:
    assert settings.looks_inside is inside

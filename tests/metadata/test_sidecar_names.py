from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from okdrop.inbox import receipts
from okdrop.metadata.sidecar_names import KINDS, belonging


def test_the_order_is_that_of_precedence() -> None:
    assert [name for name, _ in belonging(b"/a/talk.mp4", ("json", "info.json", "txt"))] == [
        *(b"/a/talk.mp4.json", b"/a/talk.mp4.JSON", b"/a/talk.json", b"/a/talk.JSON"),
        *(b"/a/talk.mp4.info.json", b"/a/talk.mp4.INFO.JSON", b"/a/talk.info.json", b"/a/talk.INFO.JSON"),
        *(b"/a/talk.mp4.txt", b"/a/talk.mp4.TXT", b"/a/talk.txt", b"/a/talk.TXT"),
    ]


def test_the_order_of_the_kinds_is_the_folders() -> None:
    assert [kind for _, kind in belonging(b"a.mp4", ("txt", "json"))] == ["txt"] * 4 + ["json"] * 4


def test_a_name_without_a_suffix_has_each_kind_once() -> None:
    for name in (b"talk", b".mp4", b"talk."):
        assert [found for found, _ in belonging(name, ("json",))] == [name + b".json", name + b".JSON"]


def test_a_receipt_of_ours_is_none() -> None:
    """A video may be called so that its sidecar would have the name of another one's receipt."""
    assert b"a.mp4.okdrop.json" not in [name for name, _ in belonging(b"a.mp4.okdrop.mkv")]
    assert receipts.path_of(b"a.mp4") not in [name for name, _ in belonging(b"a.mp4")]


def test_a_dot_in_a_folder_is_none_of_the_name() -> None:
    assert [name for name, _ in belonging(b"/a.b/talk", ("json",))] == [
        b"/a.b/talk.json",
        b"/a.b/talk.JSON",
    ]


@given(st.binary(min_size=1, max_size=255).filter(lambda name: b"/" not in name and b"\0" not in name))
def test_no_video_is_its_own_sidecar_and_none_lies_elsewhere(name: bytes) -> None:
    found = [one for one, _ in belonging(b"/drop/" + name)]
    assert len(found) == len({*found}) <= 4 * len(KINDS)
    assert b"/drop/" + name not in found
    assert all(one.startswith(b"/drop/") and one.count(b"/") == 2 for one in found)

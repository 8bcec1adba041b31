from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from containers import made
from containers.made import box, chunk, element, judged, tag
from okdrop.containers import Standing, boxes, ebml, flv, packets, riff

WHOLE, NOT_WHOLE, UNKNOWN = Standing.WHOLE, Standing.NOT_WHOLE, Standing.UNKNOWN

FILES = {
    "mp4": made.MP4,
    "fragmented mp4": made.FRAGMENTED,
    "matroska": made.MATROSKA,
    "avi": made.AVI,
    "flv": made.FLV,
    "ts": made.TS,
    "m2ts": made.M2TS,
}
ENDS_ANYWHERE = {"fragmented mp4": 4, "flv": 2, "ts": 3, "m2ts": 3, "avi": 1}
"""Containers without a trailer, and of how many parts they need to be one."""

UNSEEN = {"fragmented mp4": 7, "avi": 3}
"""Bytes of the next part that are taken for something that follows the last one."""


@pytest.mark.parametrize("name", FILES)
def test_a_whole_file_is_whole(name: str) -> None:
    assert judged(b"".join(FILES[name])).standing is WHOLE


@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_within_a_part_is_not_whole(name: str) -> None:
    parts = FILES[name]
    data, borders = b"".join(parts), made.ends(parts)
    least = borders[ENDS_ANYWHERE.get(name, 1) - 1]
    for size in range(least + 1, len(data)):
        told = judged(data[:size])
        beyond = min(size - border for border in borders if border <= size)
        expected = WHOLE if name in ENDS_ANYWHERE and beyond <= UNSEEN.get(name, 0) else NOT_WHOLE
        assert told.standing is expected, (size, told)
        assert bool(told.reason) is (expected is NOT_WHOLE)


@pytest.mark.parametrize("name", FILES)
def test_no_begin_of_a_file_that_has_a_trailer_is_whole(name: str) -> None:
    data = b"".join(FILES[name])
    for size in range(len(data)):
        if name not in ENDS_ANYWHERE:
            assert judged(data[:size]).standing is not WHOLE


@given(data=st.binary(max_size=400), kind=st.sampled_from(sorted(FILES)), keep=st.integers(0, 200))
def test_no_bytes_are_too_odd_and_no_look_is_out_of_the_file(data: bytes, kind: str, keep: int) -> None:
    odd = b"".join(FILES[kind])[:keep] + data

    def read(at: int, count: int) -> bytes:
        assert at >= 0
        assert count > 0
        return odd[at : at + count]

    for judge in (boxes, ebml, flv, packets, riff):
        told = judge.examine(len(odd), read)
        assert (told.standing is WHOLE) is not bool(told.reason)


def test_of_other_files_nothing_is_said() -> None:
    for data in (b"", b"\0" * 5000, b"\x30\x26\xb2\x75" + os.urandom(3000).replace(b"\x47", b"\0")):
        assert judged(data).standing is UNKNOWN
        assert judged(data).container == ""


# --- MP4 ----------------------------------------------------------------------------------------------


def test_a_recording_that_broke_off_has_no_moov() -> None:
    for mdat in (box(b"mdat", b"m" * 300), box(b"mdat", b"m" * 300, length=0), box(b"mdat", b"m", long=True)):
        told = judged(made.MP4[0] + mdat)
        assert told.standing is NOT_WHOLE
        assert "moov box is missing" in told.reason


def test_a_box_past_the_end_is_named_with_what_is_missing() -> None:
    told = judged(made.MP4[0] + made.MP4[3] + box(b"mdat", b"m" * 100, long=True, length=5_000_116))
    assert told.standing is NOT_WHOLE
    assert told.reason == "its mdat box ends 5.0 MB past the end of the file"


def test_a_last_box_may_reach_to_the_end() -> None:
    assert judged(made.MP4[0] + made.MP4[3] + box(b"mdat", b"m" * 100, length=0)).standing is WHOLE


def test_what_follows_the_last_box_is_not_minded() -> None:
    assert judged(b"".join(made.MP4) + b"\0" * 4096).standing is WHOLE
    assert judged(b"".join(made.MP4) + b"\0\0\0").standing is WHOLE
    assert (
        judged(b"".join(made.MP4[:3]) + b"\0" * 4096).standing is NOT_WHOLE
    )  # room for a moov that never came


def test_a_box_shorter_than_its_head_is_nonsense_and_ends_the_walk() -> None:
    told = judged(made.MP4[0] + box(b"mdat", b"m" * 40, length=5))
    assert told.standing is NOT_WHOLE
    assert "nonsense" in told.reason


def test_a_head_alone_is_no_film() -> None:
    assert judged(made.MP4[0] + made.MP4[3]).standing is NOT_WHOLE


# --- Matroska -----------------------------------------------------------------------------------------


def segment(*elements: bytes) -> bytes:
    return made.MATROSKA[0] + element(made.SEGMENT, b"".join(elements), length=made.UNKNOWN_LENGTH)


INFO, CLUSTER = element(made.INFO, b"i" * 30), element(made.CLUSTER, b"c" * 400)
ROOM, CUES = element(made.VOID, b"\0" * 80), element(made.CUES, b"q" * 20)


def test_a_recorder_that_did_not_come_back_left_its_room() -> None:
    told = judged(segment(ROOM, INFO, CLUSTER, CLUSTER))
    assert told.standing is NOT_WHOLE
    assert "a recorder writes last" in told.reason


def test_a_live_stream_is_not_held_against_its_writer() -> None:
    assert judged(segment(INFO, CLUSTER, CLUSTER)).standing is UNKNOWN
    endless = element(made.CLUSTER, b"c" * 400, length=made.UNKNOWN_LENGTH)
    assert judged(segment(INFO, endless)).standing is UNKNOWN


def test_with_an_index_it_is_whole() -> None:
    assert judged(segment(ROOM, INFO, CLUSTER, CUES)).standing is WHOLE


def test_a_cluster_that_is_cut_is_named() -> None:
    told = judged(segment(INFO, CLUSTER, CLUSTER)[:-10])
    assert told.standing is NOT_WHOLE
    assert told.reason == "its last cluster ends 10 bytes past the end of the file"


def test_without_a_cluster_there_is_nothing_to_see() -> None:
    assert judged(segment(ROOM, INFO)).standing is NOT_WHOLE


# --- the others ---------------------------------------------------------------------------------------


def test_an_avi_without_its_length_was_not_ended() -> None:
    told = judged(chunk(b"AVI ", b"a" * 500, length=0))
    assert told.standing is NOT_WHOLE
    assert "its length is missing" in told.reason


def test_what_follows_an_avi_is_not_minded() -> None:
    assert judged(b"".join(made.AVI) + b"junk").standing is WHOLE


def test_a_tag_of_an_unknown_kind_is_no_end() -> None:
    assert judged(b"".join(made.FLV) + tag(3, b"x" * 9)).standing is NOT_WHOLE


def test_a_transport_stream_ends_between_packets() -> None:
    told = judged(b"".join(made.TS) + b"\x47" + b"t" * 86)
    assert told.standing is NOT_WHOLE
    assert told.reason == "it ends within a packet, of which 101 bytes are missing"
    assert judged(b"".join(made.TS) + b"\0" * 188).standing is WHOLE  # room that was laid out beforehand
    assert judged(b"".join(made.TS) + b"appended").standing is UNKNOWN

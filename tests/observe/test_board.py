"""Named files: which event is about which, how quickly each moves."""

from __future__ import annotations

from okdrop import events
from okdrop.observe.board import PACE_OVER, Board, Pace
from okdrop.observe.standing import Stage

A, B = "/srv/a.mp4", "/srv/b.mp4"


def started(upload: int, path: str) -> events.UploadStarted:
    return events.UploadStarted(upload=upload, path=path, size=1000, attempt=1)


def progress(upload: int, done: int) -> events.UploadProgress:
    return events.UploadProgress(upload=upload, received=0, on_line=done, sent=done, size=1000)


def test_an_event_without_a_path_is_about_the_file_that_its_upload_began_with() -> None:
    board = Board([A, B], lambda: 0.0)
    board.listen(started(7, A))
    board.listen(started(8, B))
    assert board.listen(progress(8, 100)) is board.rows[B]
    assert [board.rows[path].standing.done for path in (A, B)] == [0, 100]


def test_a_new_revision_is_the_same_file_under_another_number() -> None:
    board = Board([A], lambda: 0.0)
    board.listen(started(7, A))
    board.listen(events.UploadSuperseded(upload=7, path=A))
    board.listen(events.FileSettled(upload=9, path=A, size=500))
    assert board.upload_of(A) == 9
    assert board.rows[A].standing.size == 500


def test_what_others_do_is_passed_over() -> None:
    board = Board([A], lambda: 0.0)
    assert board.listen(started(7, B)) is None
    assert board.listen(progress(7, 100)) is None
    assert board.listen(events.OrphanDeleted(video_id="5")) is None
    assert (board.upload_of(A), board.rows[A].standing.stage) == (None, Stage.SETTLING)


def test_files_go_by_their_last_name_unless_two_share_it() -> None:
    board = Board([A, "/other/a.mp4", B, B], lambda: 0.0)
    assert [row.label for row in board.rows.values()] == [A, "/other/a.mp4", "b.mp4"]


def test_it_remembers_what_the_end_of_a_run_is_judged_by() -> None:
    board = Board([A, B], lambda: 0.0)
    assert not board.interrupted
    board.listen(events.FileLeft(path=A, reason="held open"))
    board.listen(events.UploadPublished(upload=8, video_id="5", path=B, size=1))
    board.listen(events.DrainStarted(signal="SIGTERM", timeout=8.0))
    assert (board.left, board.published, board.interrupted) == ({A: "held open"}, {8}, True)


def test_the_pace_is_an_average_over_the_last_seconds() -> None:
    pace = Pace()
    assert pace.speed(0.0) == 0.0
    for second in range(100):
        pace.note(second * (10 if second < 50 else 30), float(second))
    assert pace.speed(99.0) == 30.0
    assert pace.speed(99.0 + PACE_OVER) == 15.0


def test_a_leap_is_no_speed() -> None:
    now = [0.0]
    board = Board([A], lambda: now[0])
    board.listen(started(7, A))
    now[0] = 1.0
    board.listen(events.UploadResumed(upload=7, received=900, size=1000))
    now[0] = 2.0
    board.listen(progress(7, 910))
    row = board.rows[A]
    assert row.pace.speed(2.0) == 10.0
    assert row.time_left(2.0) == 9.0


def test_without_movement_there_is_no_time_left_to_tell() -> None:
    board = Board([A], lambda: 0.0)
    assert board.rows[A].time_left(1.0) is None

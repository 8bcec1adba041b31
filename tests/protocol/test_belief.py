"""What we believe the server holds: transcripts, and laws over any order of events."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from okdrop.errors import LocalProtocolError
from okdrop.protocol.belief import NOTHING, Belief, Fit
from okdrop.protocol.messages import Account, Form
from okdrop.protocol.ranges import ByteRange, ByteRanges

SIZE = 100
A, B, C = ByteRange(0, 30), ByteRange(30, 60), ByteRange(60, 100)


def says(*spans: ByteRange) -> Account:
    return Account(ByteRanges.of(spans))


def with_out(*spans: ByteRange) -> Belief:
    belief = Belief(SIZE)
    for span in spans:
        belief.hand_out(span)
    return belief


def test_in_flight_is_neither_held_nor_missing() -> None:
    belief = with_out(A)
    assert belief.held == NOTHING
    assert belief.missing == ByteRanges.of([ByteRange(30, 100)])
    assert (belief.in_flight, belief.idle) == (1, False)


def test_nothing_is_handed_out_twice() -> None:
    belief = with_out(A)
    with pytest.raises(LocalProtocolError, match="not missing"):
        belief.hand_out(ByteRange(29, 40))


def test_only_what_is_out_can_land() -> None:
    belief = with_out(A)
    for land in (belief.acknowledged, belief.lost, belief.returned):
        with pytest.raises(LocalProtocolError, match="not in flight"):
            land(B)


def test_acknowledged_is_held() -> None:
    belief = with_out(A)
    belief.acknowledged(A)
    assert belief.held.contains(A)
    assert belief.idle


def test_returned_is_missing_again() -> None:
    belief = with_out(A)
    belief.returned(A)
    assert belief.missing.contains(A)
    assert belief.doubtful == NOTHING


def test_lost_is_doubtful_until_a_later_account() -> None:
    belief = with_out(A)
    belief.lost(A)
    assert belief.doubtful.contains(A)
    assert not belief.missing.contains(A)
    belief.probe_sent()
    assert belief.told(says()) is Fit.FITS
    assert belief.missing.contains(A)


def test_an_account_that_was_on_its_way_does_not_settle_a_later_loss() -> None:
    belief = with_out(A)
    belief.probe_sent()
    belief.lost(A)
    assert belief.told(says()) is Fit.FITS
    assert belief.doubtful.contains(A)


def test_acknowledged_while_the_probe_was_out_counts_beside_its_account() -> None:
    belief = with_out(A, B)
    belief.acknowledged(A)
    belief.probe_sent()
    belief.acknowledged(B)
    assert belief.told(says(A)) is Fit.FITS
    assert belief.held == ByteRanges.prefix(60)


def test_an_account_that_lacks_what_was_acknowledged_changes_nothing() -> None:
    belief = with_out(A)
    belief.acknowledged(A)
    belief.probe_sent()
    assert belief.told(says(ByteRange(0, 29))) is Fit.LACKS
    assert belief.held == ByteRanges.of([A])


def test_an_account_of_bytes_that_were_never_sent_changes_nothing() -> None:
    belief = with_out(A)
    belief.probe_sent()
    assert belief.told(says(A, B)) is Fit.EXCEEDS
    assert belief.held == NOTHING


def test_of_a_ticket_from_an_earlier_process_any_account_is_believed() -> None:
    belief = Belief(SIZE, offers_known=False)
    belief.probe_sent()
    assert belief.told(says(A, C)) is Fit.FITS
    assert belief.missing == ByteRanges.of([B])


def test_whole_by_acknowledgements_is_not_yet_confirmed() -> None:
    belief = with_out(A, B, C)
    for span in (A, B, C):
        belief.acknowledged(span)
    assert (belief.whole, belief.offered_all, belief.confirmed_whole) == (True, True, False)
    belief.probe_sent()
    belief.told(says(ByteRange(0, SIZE)))
    assert belief.confirmed_whole


def test_offered_counts_what_was_lost_too() -> None:
    belief = with_out(A, B, C)
    belief.lost(A)
    belief.returned(C)
    assert belief.offered_all


def test_a_bare_integer_is_read_as_a_count_unless_an_acknowledgement_says_more() -> None:
    told = Account(ByteRanges.prefix(29), Form.COUNT)
    unsure = with_out(A)
    unsure.lost(A)
    unsure.probe_sent()
    assert unsure.told(told) is Fit.FITS
    assert unsure.held == ByteRanges.prefix(29)
    sure = with_out(A)
    sure.acknowledged(A)
    sure.probe_sent()
    assert sure.told(told) is Fit.FITS  # 29 is the index of the last byte here
    assert sure.held == ByteRanges.of([A])


def test_vouching() -> None:
    belief = Belief(SIZE)
    assert belief.vouches(says(A), A)
    assert not belief.vouches(says(ByteRange(0, 29)), A)
    assert belief.vouches(Account(ByteRanges.prefix(29), Form.COUNT), A)
    assert not belief.vouches(Account(ByteRanges.prefix(28), Form.COUNT), A)
    assert belief.vouches_whole(says(ByteRange(0, SIZE)))
    assert not belief.vouches_whole(says(ByteRange(0, SIZE - 1)))
    assert belief.vouches_whole(Account(ByteRanges.prefix(SIZE - 1), Form.COUNT))


class Life(RuleBasedStateMachine):
    """An honest server, a line that loses answers, and our belief of both."""

    def __init__(self) -> None:
        super().__init__()
        self.belief = Belief(SIZE)
        self.truth = NOTHING
        self.out: list[ByteRange] = []
        self.account: Account | None = None

    @precondition(lambda self: self.belief.missing)
    @rule(data=st.data())
    def hand_out(self, data: st.DataObject) -> None:
        gap = data.draw(st.sampled_from(self.belief.missing.spans))
        start = data.draw(st.integers(gap.start, gap.stop - 1))
        span = ByteRange(start, data.draw(st.integers(start + 1, gap.stop)))
        self.belief.hand_out(span)
        self.out.append(span)

    @precondition(lambda self: self.out)
    @rule(data=st.data(), stored=st.booleans(), answered=st.booleans())
    def land(self, data: st.DataObject, *, stored: bool, answered: bool) -> None:
        span = data.draw(st.sampled_from(self.out))
        self.out.remove(span)
        if stored:
            self.truth |= span
        if not answered:
            self.belief.lost(span)
        elif stored:
            self.belief.acknowledged(span)
        else:
            self.belief.returned(span)

    @precondition(lambda self: not self.belief.probing)
    @rule()
    def ask(self) -> None:
        self.belief.probe_sent()

    @precondition(lambda self: self.belief.probing)
    @rule()
    def look(self) -> None:
        """The question arrives: the account is of this moment, however late it comes."""
        self.account = Account(self.truth)

    @precondition(lambda self: self.account is not None)
    @rule()
    def hear(self) -> None:
        assert self.account is not None
        assert self.belief.told(self.account) is Fit.FITS
        self.account = None

    @precondition(lambda self: self.belief.probing)
    @rule()
    def lose_the_account(self) -> None:
        self.account = None
        self.belief.probe_lost()

    @invariant()
    def belief_is_within_truth(self) -> None:
        assert self.truth.contains(self.belief.held)

    @invariant()
    def what_the_server_holds_is_never_taken_for_missing(self) -> None:
        assert not self.belief.missing & self.truth

    @invariant()
    def every_byte_is_in_exactly_one_place(self) -> None:
        belief, out = self.belief, ByteRanges.of(self.out)
        assert (belief.held | belief.doubtful | belief.missing | out) == ByteRanges.prefix(SIZE)
        assert not belief.held & belief.doubtful
        assert not belief.missing & (belief.held | belief.doubtful | out)


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=40, stateful_step_count=30)

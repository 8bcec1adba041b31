"""The session against every order of events that Hypothesis can think of.

The laws, on every path: belief is within truth; no byte that the server holds is sent again; segments in
flight never overlap; at most `connections` are out, and one alone in sequential mode; published only when
whole; and once the weather is fair it always ends published.
"""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from okdrop.drop import Mode
from okdrop.protocol.messages import (
    Account,
    AskVideo,
    Complete,
    Form,
    GiveUp,
    Held,
    NoAnswer,
    Probe,
    ProbeAnswer,
    Publish,
    RequestTicket,
    Restored,
    SegmentAnswer,
    SendSegment,
    ServerTrouble,
    Unclear,
    WrongTotal,
)
from okdrop.protocol.plan import Plan
from okdrop.protocol.ranges import ByteRange, ByteRanges
from okdrop.protocol.session import Session
from protocol.upload_host import UploadHost

CONNECTIONS = 3
SEGMENT = 10
HOSTS = (Mode.PARALLEL, Mode.SEQUENTIAL)


@dataclasses.dataclass
class Travelling:
    """A segment on its way; `answer` is set once the server has dealt with it."""

    span: ByteRange
    answer: SegmentAnswer | None = None


class SessionMachine(RuleBasedStateMachine):
    """A session, the host, and the line between them."""

    @initialize(
        size=st.integers(1, 95),
        mode=st.sampled_from(HOSTS),
        prior=st.sampled_from([None, *HOSTS]),
        form=st.sampled_from(Form),
        accounts_on_201=st.booleans(),
        dies_when_whole=st.booleans(),
        equates=st.booleans(),
        fresh_is_404=st.booleans(),
    )
    def begin(
        self,
        *,
        size: int,
        mode: Mode,
        prior: Mode | None,
        form: Form,
        accounts_on_201: bool,
        dies_when_whole: bool,
        equates: bool,
        fresh_is_404: bool,
    ) -> None:
        self.size = size
        self.prior = prior
        self.template = UploadHost(size, mode, form, accounts_on_201, dies_when_whole, equates, fresh_is_404)
        self.host = dataclasses.replace(self.template)
        self.plan = Plan(segment_size=SEGMENT, connections=CONNECTIONS)
        self.session = Session(size, self.plan)
        self.travelling: list[Travelling] = []
        self.account_on_its_way: ProbeAnswer | None = None
        self.probing = False
        self.api: RequestTicket | AskVideo | None = None
        self.lied = False
        self.weather_changes = 0
        self.end: Publish | GiveUp | None = None

    # --- the shell -----------------------------------------------------------------------------------

    @rule()
    def take_steps(self) -> None:
        for step in self.session.next_steps():
            match step:
                case SendSegment(span):
                    self.check_segment(span)
                    self.travelling.append(Travelling(span))
                case Probe():
                    assert not self.probing
                    self.probing = True
                case RequestTicket() | AskVideo():
                    assert not self.travelling
                    self.api = step
                case Publish() | GiveUp():
                    self.end = step
        if isinstance(self.end, Publish):
            assert self.host.whole, "published before it was whole"
        if isinstance(self.end, GiveUp):
            assert self.end.code == "ticket_expired"
            assert self.session.tickets == 5

    @rule(size=st.integers(1, 3 * SEGMENT), connections=st.integers(1, 2 * CONNECTIONS))
    def pace_changes(self, *, size: int, connections: int) -> None:
        self.plan = Plan(segment_size=size, connections=connections)
        self.session.replan(self.plan)

    def check_segment(self, span: ByteRange) -> None:
        flying = [other.span for other in self.travelling]
        assert not any(span.start < other.stop and other.start < span.stop for other in flying)
        assert len(flying) < (self.plan.connections if self.session.mode is Mode.PARALLEL else 1)
        if not self.lied and not self.host.hides_islands:
            assert not ByteRanges((span,)) & self.host.held, "the server holds some of it"

    @precondition(lambda self: self.api is not None)
    @rule(answers=st.booleans())
    def api_answers(self, *, answers: bool) -> None:
        step, self.api = self.api, None
        if not answers:
            self.session.not_answered()
        elif isinstance(step, RequestTicket):
            self.host = dataclasses.replace(self.template)
            self.lied = False
            self.session.ticket_issued(self.prior)
        else:
            self.session.video_is(self.host.status)
        self.remember()

    # --- the line and the server ---------------------------------------------------------------------

    @precondition(lambda self: any(one.answer is None for one in self.travelling))
    @rule(data=st.data())
    def segment_lands(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from([one for one in self.travelling if one.answer is None]))
        one.answer = self.host.post(one.span)

    @precondition(lambda self: any(one.answer is not None for one in self.travelling))
    @rule(data=st.data())
    def segment_answer_arrives(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from([one for one in self.travelling if one.answer is not None]))
        assert one.answer is not None
        self.deliver(one, one.answer)

    @precondition(lambda self: self.travelling)
    @rule(data=st.data(), kind=st.sampled_from(["cut", "unsent", "503"]))
    def segment_is_lost(self, data: st.DataObject, kind: str) -> None:
        """The line is cut; what had arrived stays with the server, whole or in part."""
        one = data.draw(st.sampled_from(self.travelling))
        if one.answer is None and kind == "unsent":
            self.deliver(one, NoAnswer("refused", sent=False))
            return
        self.store_part(one, data.draw(st.integers(0, len(one.span))))
        self.deliver(one, NoAnswer("cut") if kind != "503" else ServerTrouble(503))

    def store_part(self, one: Travelling, count: int) -> None:
        if one.answer is None and count:
            part = ByteRange(one.span.start, one.span.start + count)
            self.host.post(part)

    @precondition(lambda self: self.travelling and self.session._belief.missing)
    @rule(data=st.data())
    def server_says_whole_too_early(self, data: st.DataObject) -> None:
        """A 200 while bytes are missing that nobody has sent yet; the segment itself was stored, or not."""
        self.deliver(data.draw(st.sampled_from(self.travelling)), Complete())

    def deliver(self, one: Travelling, answer: SegmentAnswer) -> None:
        self.travelling.remove(one)
        self.session.segment_answered(one.span, answer)
        self.remember()

    @precondition(lambda self: self.probing and self.account_on_its_way is None)
    @rule()
    def server_answers_probe(self) -> None:
        """The account is taken now; it may arrive after much else."""
        self.account_on_its_way = self.host.get()

    @precondition(lambda self: self.account_on_its_way is not None)
    @rule()
    def account_arrives(self) -> None:
        assert self.account_on_its_way is not None
        self.deliver_account(self.account_on_its_way)

    @precondition(lambda self: self.probing)
    @rule(answer=st.sampled_from([NoAnswer("cut"), ServerTrouble(500), Unclear(200)]))
    def account_is_lost(self, answer: ProbeAnswer) -> None:
        self.deliver_account(answer)

    @precondition(lambda self: self.probing)
    @rule(data=st.data(), kind=st.sampled_from(["fewer", "more", "total"]))
    def server_counts_wrong(self, data: st.DataObject, kind: str) -> None:
        """Its account names too few or too many bytes, or another file's."""
        self.lied = True
        if kind == "total":
            self.deliver_account(WrongTotal(self.size + 1))
            return
        held = self.session._belief.held
        if kind == "fewer" and held:
            span = data.draw(st.sampled_from(held.spans))
            self.deliver_account(Held(Account(held - ByteRange(span.start, span.start + 1))))
        elif kind == "more" and self.session._belief._offers_known:
            never = ByteRanges.prefix(self.size) - self.session._belief.offered
            if never:
                self.deliver_account(Held(Account(held | never.spans[0])))

    def deliver_account(self, answer: ProbeAnswer) -> None:
        self.probing = False
        self.account_on_its_way = None
        self.session.probe_answered(answer)
        self.remember()

    # --- the world -----------------------------------------------------------------------------------

    def remember(self) -> None:
        finding = self.session.take_finding()
        if finding is not None:
            self.prior = finding.mode

    @precondition(lambda self: self.weather_changes < 3)
    @rule()
    def url_expires(self) -> None:
        self.weather_changes += 1
        self.host.dead = True

    @precondition(lambda self: self.end is None and self.api is None and self.session.tickets)
    @rule(data=st.data())
    def process_restarts(self, data: st.DataObject) -> None:
        """Everything but the ledger's row is forgotten; what was on the line landed, or in part, or not."""
        for one in self.travelling:
            self.store_part(one, data.draw(st.integers(0, len(one.span))))
        self.travelling = []
        self.probing = False
        self.account_on_its_way = None
        old = self.session
        if not old._has_ticket:
            return
        self.session = Session(
            self.size,
            self.plan,
            tickets=old.tickets,
            restored=Restored(
                mode=old.mode, taken=old.taken, offered_all=old.offered_all, strikes=old.strikes
            ),
        )

    @invariant()
    def belief_is_within_truth(self) -> None:
        if hasattr(self, "session") and not self.lied and self.session._has_ticket:
            assert self.host.held.contains(self.session._belief.held)

    def teardown(self) -> None:
        """From here on the weather is fair: it must come to an end, and soon."""
        if not hasattr(self, "session"):
            return
        for _ in range(400):
            self.take_steps()
            if self.end is not None:
                break
            self.fair_weather()
        assert self.end is not None, "it never ends"
        self.session.next_steps()
        if isinstance(self.end, Publish):
            assert self.host.whole

    def fair_weather(self) -> None:
        if self.api is not None:
            self.api_answers(answers=True)
        for one in list(self.travelling):
            self.deliver(one, one.answer or self.host.post(one.span))
        if self.probing:
            self.deliver_account(self.account_on_its_way or self.host.get())


TestSession = SessionMachine.TestCase
TestSession.pytestmark = [pytest.mark.timeout(600)]  # type: ignore[attr-defined]  # shrinking takes its time
TestSession.settings = settings(
    max_examples=max(settings().max_examples, 300),
    stateful_step_count=50,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)

"""The simple session against every order of events that Hypothesis can think of.

The laws, on every path: a file is published only when the host has all of it; nothing is ever sent to a URL
that got a part of the file from somebody who was cut, and nothing at all once the host has it; one request
at a time; and once the weather is fair it ends.
"""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from okdrop.drop import Mode
from okdrop.protocol.messages import (
    AskVideo,
    FileAnswer,
    GiveUp,
    NoAnswer,
    Probe,
    ProbeAnswer,
    Publish,
    Refused,
    RequestTicket,
    Restored,
    SendFile,
    ServerTrouble,
    Step,
    Unclear,
)
from okdrop.protocol.multipart import MultipartSession
from okdrop.protocol.plan import Plan
from okdrop.protocol.ranges import ByteRange
from okdrop.protocol.session import Session
from protocol.multipart_host import MultipartHost

SIZE = 8
WHOLE = ByteRange(0, SIZE)
GOES_ON = st.sampled_from([True, True, True, False])  # or dies first, with what came still unwritten


class MultipartMachine(RuleBasedStateMachine):
    """A session, the host, the ledger, and the line between them."""

    @initialize(dies=st.booleans(), errs=st.booleans(), fresh_is_404=st.booleans())
    def begin(self, *, dies: bool, errs: bool, fresh_is_404: bool) -> None:
        self.template = MultipartHost(SIZE, dies, errs, fresh_is_404)
        self.host: MultipartHost | None = None
        self.session: MultipartSession | Session = MultipartSession(SIZE)
        self.api: RequestTicket | AskVideo | None = None
        self.probing = False
        self.left: int | None = None  # bytes of the file that have left; None: no request is out
        self.cut_before = False  # somebody was cut on this ticket after bytes had left
        self.end: Publish | GiveUp | None = None
        self.restarts = self.expiries = 0
        self.take_steps()

    def write(self) -> None:
        """What the ledger has: written before any step begins, and before the last bytes leave."""
        session = self.session
        self.row = (self.host, session.mode, session.offered_all, session.tickets, session.sent)

    @precondition(lambda self: self.end is None)
    @rule()
    def take_steps(self) -> None:
        steps = self.session.next_steps()
        if self.host is not None and self.host.whole:
            assert not any(isinstance(step, RequestTicket | SendFile) for step in steps), "it is there"
        if RequestTicket() in steps:
            self.host = None  # the ledger forgets a ticket before it asks for another
        self.write()
        assert len(steps) <= 1
        for step in steps:
            self.begin_step(step)

    def begin_step(self, step: Step) -> None:
        assert (self.left, self.probing, self.api) == (None, False, None), "one thing at a time"
        match step:
            case SendFile():
                assert not self.cut_before, "sent to a URL that got a part already"
                self.left = 0
            case Probe():
                self.probing = True
            case RequestTicket() | AskVideo():
                self.api = step
            case Publish():
                assert self.host is not None
                assert self.host.whole, "published before it was whole"
                self.end = step
            case GiveUp(code=code):
                assert self.session.tickets == 5 or code == "resend_limit"
                self.end = step

    # --- the file on the line --------------------------------------------------------------------------

    @precondition(lambda self: self.left is not None and self.left < SIZE)
    @rule(count=st.integers(1, SIZE))
    def bytes_leave(self, *, count: int) -> None:
        assert self.left is not None
        count = min(count, SIZE - self.left)
        self.left += count
        if self.left == SIZE:
            self.session.last_bytes_leave()
            self.write()
        self.session.put_on_line(count)

    @precondition(lambda self: self.left == SIZE)
    @rule(kind=st.sampled_from(["answered", "lost", "500", "odd"]), arrives=st.booleans(), goes_on=GOES_ON)
    def the_whole_file_left(self, *, kind: str, arrives: bool, goes_on: bool) -> None:
        """What an answer says is true, but for one that nobody can read, and a 500.

        Where the last bytes left and did not arrive, the host's UPLOADING is all there is to go by.
        """
        assert self.host is not None
        answer = self.host.post(SIZE if arrives or kind == "answered" else 0)
        if kind == "lost":
            answer = NoAnswer("cut")
            self.cut_before = True
        elif kind != "answered":
            answer = ServerTrouble(500) if kind == "500" else Refused(200, "error")
        self.land(answer, goes_on=goes_on)

    @precondition(lambda self: self.left is not None and self.left < SIZE)
    @rule(kind=st.sampled_from(["cut", "503", "413"]), goes_on=GOES_ON)
    def an_end_before_the_whole_file_left(self, *, kind: str, goes_on: bool) -> None:
        if kind == "cut":
            self.cut()
            self.land(NoAnswer("cut", sent=bool(self.left)), goes_on=goes_on)
        else:
            self.land(ServerTrouble(503) if kind == "503" else Refused(413), goes_on=goes_on)

    def cut(self) -> None:
        assert self.left is not None
        if self.left:
            assert self.host is not None
            self.host.post(self.left)
            self.cut_before = True

    def land(self, answer: FileAnswer, *, goes_on: bool) -> None:
        self.left = None
        self.session.segment_answered(WHOLE, answer)
        if goes_on:
            self.take_steps()

    # --- questions -------------------------------------------------------------------------------------

    @precondition(lambda self: self.probing)
    @rule(kind=st.sampled_from(["answered", "answered", "lost", "503", "unclear"]), goes_on=GOES_ON)
    def probe_ends(self, *, kind: str, goes_on: bool) -> None:
        assert self.host is not None
        others: dict[str, ProbeAnswer] = {
            "lost": NoAnswer("cut", sent=False),
            "503": ServerTrouble(503),
            "unclear": Unclear(200),
        }
        self.probing = False
        self.session.probe_answered(others.get(kind) or self.host.get())
        if goes_on:
            self.take_steps()

    @precondition(lambda self: self.api is not None)
    @rule(answers=st.booleans(), goes_on=GOES_ON)
    def api_answers(self, *, answers: bool, goes_on: bool) -> None:
        step, self.api = self.api, None
        if not answers:
            self.session.not_answered()
        elif isinstance(step, RequestTicket):
            self.host, self.cut_before = dataclasses.replace(self.template), False
            self.session.ticket_issued(None)
        else:
            assert self.host is not None
            self.session.video_is(self.host.status)
        if goes_on:
            self.take_steps()

    # --- the world -------------------------------------------------------------------------------------

    @precondition(lambda self: self.host is not None and (self.expiries < 2 or self.end))
    @rule()
    def url_expires(self) -> None:
        assert self.host is not None
        self.expiries += 1
        self.host.dead = True

    @precondition(lambda self: self.end is None and self.restarts < 3)
    @rule(arrives=st.booleans(), goes_on=GOES_ON)
    def process_is_killed(self, *, arrives: bool, goes_on: bool) -> None:
        """Everything but the ledger's row is forgotten; what was on the line arrived, as far as it left."""
        self.restarts += 1
        if self.left is not None:
            if self.left == SIZE and not arrives:
                self.left, self.cut_before = 0, True
            self.cut()
        self.left, self.probing, self.api = None, False, None
        self.host, mode, offered_all, tickets, sent = self.row
        restored = Restored(mode=mode, offered_all=offered_all) if self.host is not None else None
        self.session = MultipartSession(SIZE, tickets=tickets, sent=sent, restored=restored)
        if goes_on:
            self.take_steps()

    def teardown(self) -> None:
        """From here on the weather is fair: it must come to an end, and soon."""
        if not hasattr(self, "session"):
            return
        for _ in range(60):
            if self.end is None:
                self.take_steps()
            self.fair_weather()
        assert self.end is not None, "it never ends"
        assert self.session.next_steps() == []

    def fair_weather(self) -> None:
        if self.api is not None:
            self.api_answers(answers=True, goes_on=True)
        if self.probing:
            self.probe_ends(kind="answered", goes_on=True)
        if self.left is not None:
            assert self.host is not None
            if self.left < SIZE:
                self.bytes_leave(count=SIZE)
            self.land(self.host.post(SIZE), goes_on=True)


class EitherMode(MultipartMachine):
    """The same, where each restart finds another mode configured and goes on as that one would."""

    @precondition(lambda self: self.end is None and self.restarts < 3)
    @rule()
    def the_configuration_changes_twice(self) -> None:
        """A renewable session takes the row up, sends a segment where it may, and is killed again."""
        self.process_is_killed(arrives=True, goes_on=False)
        host, mode, offered_all, tickets, sent = self.row
        if host is None:
            return
        restored = Restored(mode=mode, offered_all=offered_all)
        session = Session(SIZE, Plan(), tickets=tickets, sent=sent, restored=restored)
        steps = session.next_steps()
        if mode is Mode.MULTIPART:
            expected = AskVideo() if offered_all else RequestTicket()
            assert steps == [expected] or isinstance(steps[0], GiveUp)
        else:
            assert steps in ([Probe()], [AskVideo()])
            host.segment |= not offered_all and not host.dead
            self.cut_before |= host.segment


for machine in (MultipartMachine, EitherMode):
    machine.TestCase.pytestmark = [pytest.mark.timeout(600)]  # type: ignore[attr-defined]  # shrinking
    machine.TestCase.settings = settings(
        max_examples=max(settings().max_examples, 800),
        stateful_step_count=40,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
TestMultipart = MultipartMachine.TestCase
TestEitherMode = EitherMode.TestCase

"""GET on an upload URL: what is held (protocol.md 1.3, 4.1, 7.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from okdrop.emulator import accounts
from okdrop.emulator.account_forms import FreshForm, StatusForm
from okdrop.emulator.fault_table import STATUS
from okdrop.emulator.gate import Gate, Refusal

if TYPE_CHECKING:
    from okdrop.emulator.videos import Video


class StatusDesk:
    """Answers status queries."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    async def get(self, request: web.Request) -> web.Response:
        """The status of an upload.

        Raises:
            LineCut: a fault keeps the answer back.
        """
        began = self._gate.clock()
        try:
            video = self._gate.admit(request, STATUS)
            response = self._told(request, video)
            await self._gate.linger(request, STATUS, video)
        except Refusal as refusal:
            await self._gate.pause(STATUS, self._gate.video_of(request))
            response = web.Response(status=refusal.status, headers=refusal.headers, text=refusal.body)
        if (known := self._gate.video_of(request)) is not None:
            self._gate.log(known, request, response.status, 0, began=began)
        return response

    def _told(self, request: web.Request, video: Video) -> web.Response:
        """The account, in the form that was chosen: islands behind a gap show in the parallel mode alone."""
        gate = self._gate
        account = accounts.account_of(video, gate.faults, STATUS)
        if not account.held.items:
            fresh = gate.faults.take("fresh_form", STATUS, str(video.id))
            return accounts.fresh_answer(FreshForm(fresh.text("form")) if fresh else gate.options.fresh_form)
        chosen = gate.faults.take("status_form", STATUS, str(video.id))
        form = StatusForm(chosen.text("form")) if chosen else gate.options.status_form
        parallel = gate.is_parallel(request)
        if form is StatusForm.AUTO:
            form = StatusForm.RANGE_HEADER if parallel else StatusForm.BODY
        islands = parallel and form is not StatusForm.BODY
        return accounts.answer(account if islands else account.contiguous(), form)

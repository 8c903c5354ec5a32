"""Who may speak: the rules of turn taking, one event at a time (DESIGN.md, "Turn taking").

There is at most one reply (a turn whose gate is open) and one held turn (behind its gate). Speech
during a reply first hushes it; the reply is then cut, or resumed where it stopped.
"""

from __future__ import annotations

import anyio
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectReceiveStream

from assistant.messages import (
    MIC_RATE_HZ,
    LineTyped,
    PauseReached,
    SpeechResumed,
    SpeechStarted,
    Transcript,
    TurnEvent,
    Utterance,
    UtteranceEnded,
)
from assistant.metrics import ReplyPause, Span, TurnRecord
from assistant.speech import ECHO_SLACK_S, OpenSpeech, Settled, join, refusal, settle
from assistant.turn import Parts, Turn


class Conversation:
    """Hears the capture's events and lines typed, and runs one task for each turn."""

    def __init__(self, parts: Parts, inbox: MemoryObjectReceiveStream[TurnEvent]) -> None:
        self.turns: list[TurnRecord] = []
        self._parts = parts
        self._inbox = inbox
        self._tasks: TaskGroup | None = None
        self._speech: OpenSpeech | None = None
        self._reply: Turn | None = None
        self._held: Turn | None = None
        self._confirming = anyio.CancelScope()
        self._changed = anyio.Event()

    async def run(self) -> None:
        """Serve until the inbox is closed or the task is cancelled."""
        async with self._inbox, anyio.create_task_group() as self._tasks:
            async for event in self._inbox:
                self._handle(event)
                self._notify()

    @property
    def idle(self) -> bool:
        """No open speech, no live turn, last sample out."""
        return self._speech is None and self._reply is None and self._held is None

    async def wait_changed(self) -> None:
        """Wait for the next change of any kind."""
        await self._changed.wait()

    def sounded(self, record: TurnRecord) -> list[Span]:
        """When samples of a turn's reply left the loudspeaker, up to now."""
        live = self._reply is not None and self._reply.record is record
        return self._parts.speaker.spans() if live else record.sounded

    def cancel(self) -> None:
        """Abandon whatever goes on."""
        self._speech = None
        if self._held is not None:
            held, self._held = self._held, None
            self._drop(held, "discarded")
        if self._reply is not None:
            self._cut(self._reply, None)
        self._notify()

    # events

    def _handle(self, event: TurnEvent) -> None:
        match event:
            case SpeechStarted():
                self._on_speech_started(event)
            case PauseReached():
                self._on_pause(event.utterance)
            case SpeechResumed():
                self._on_resumed()
            case UtteranceEnded():
                self._on_ended(event.utterance)
            case LineTyped():
                self._on_line(event.text)

    def _on_speech_started(self, event: SpeechStarted) -> None:
        self._speech = OpenSpeech(event.speech_start / MIC_RATE_HZ, event.by_key)
        if event.by_key and self._reply is not None and self._parts.speaker.started:
            self._cut(self._reply, None)
        self._hush()

    def _on_pause(self, utterance: Utterance) -> None:
        self._confirming.cancel()
        if self._speech is None:
            return
        least_ms = 0 if self._speech.by_key else self._parts.config.endpoint.min_voiced_ms
        if utterance.voiced_ms < least_ms:
            return  # a knock; if it goes on, the next pause carries all of it
        if self._held is not None:  # it was over, and its words were not known before this went on
            self._speech.before = self._held.utterance
            self._drop(self._held, "discarded")
        elif self._reply is not None and self._joining:
            self._speech.before = self._reply.utterance
        if self._speech.before is not None:
            utterance = join(self._speech.before, utterance)
        record = TurnRecord(
            "spoken", utterance.speech_start / MIC_RATE_HZ, utterance.speech_end / MIC_RATE_HZ, self._now_s()
        )
        self._held = self._start(record, utterance, self._speech.settled)

    def _on_resumed(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            if self._speech is not None and held.utterance is not None and held.accepted:
                self._speech.settled = settle(self._speech.settled, held.utterance, held.record.transcript)
            self._drop(held, "discarded")
        self._hush()

    def _on_ended(self, utterance: Utterance) -> None:
        self._confirming.cancel()
        self._speech = None
        held = self._held
        if held is None:
            self._relent()
            return
        if held.ended:
            return  # a knock while the words before it are being made out
        held.ended = True
        held.record.endpoint_s = self._now_s()
        self._open_if_ready(held)

    def _on_line(self, text: str) -> None:
        speech = self._speech
        self.cancel()
        self._speech = speech  # whoever is speaking goes on
        now_s = self._now_s()
        turn = self._start(TurnRecord("typed", now_s, now_s, now_s, transcript=text), None, Settled())
        turn.accepted = True
        turn.record.endpoint_s = turn.record.transcript_s = now_s
        self._held = turn
        self._open_if_ready(turn)

    # a turn's own news

    def _on_transcript(self, turn: Turn, transcript: Transcript) -> None:
        refusal = self._refusal(turn, transcript)
        if refusal:
            turn.record.reason = refusal
            self._held = None
            self._drop(turn, "rejected")
            if self._speech is None or not turn.ended:  # else somebody speaks again, and that decides
                self._relent()
        else:
            turn.accepted = True
            if self._reply is not None:
                self._supersede(self._reply, turn)
            turn.let_reply()
            self._open_if_ready(turn)
        self._notify()

    def _on_end(self, turn: Turn) -> None:
        self._finish(turn, "done")
        self._notify()

    def _refusal(self, turn: Turn, transcript: Transcript) -> str:
        """Why a transcript is not a turn; empty if it is one."""
        assert turn.utterance is not None
        played = ""
        if turn.utterance.in_echo_window:
            start_s, end_s = turn.record.speech_start_s - ECHO_SLACK_S, turn.record.speech_end_s
            played = self._parts.speaker.words_between(start_s, end_s)
        answered = self._reply.record.transcript if self._reply is not None and self._joining else None
        return refusal(transcript, self._parts.config, played, self._reply is not None, answered)

    # what is done to replies

    @property
    def _joining(self) -> bool:
        """The reply is not yet audible, so speech joins the utterance it answers."""
        return self._reply is not None and self._reply.utterance is not None and not self._parts.speaker.started

    def _hush(self) -> None:
        """Silence a reply, and its generation, until it is known what the speech means."""
        speech, reply = self._speech, self._reply
        if speech is None or reply is None:
            return
        if not speech.hushed:
            speech.hushed = True
            reply.pause()
            self._parts.speaker.pause()
            if self._parts.speaker.started:
                now_s = self._now_s()
                reply.record.pauses.append(ReplyPause(now_s, (speech.start_s, now_s)))
            self._parts.changed(reply.record)
        if self._parts.speaker.started and self._tasks is not None:
            self._confirming = anyio.CancelScope()
            self._tasks.start_soon(self._confirm, self._confirming, name="confirm interruption")

    def _relent(self) -> None:
        """It was nothing: take the reply up again at the sample where it stopped."""
        if self._speech is not None:
            self._speech.hushed = False
        if self._reply is None:
            return
        if self._speech is not None and self._joining:
            self._speech.before = None  # it is answered after all
        pauses = self._reply.record.pauses
        if pauses and pauses[-1].end_s is None:
            pauses[-1].end_s = self._now_s()
        self._parts.speaker.resume()
        self._reply.resume()
        self._parts.changed(self._reply.record)

    async def _confirm(self, scope: anyio.CancelScope) -> None:
        """Speech that goes on long enough after the sound stopped interrupts before its words are known."""
        with scope:
            await anyio.sleep(self._parts.config.interruption.confirm_ms / 1000)
            if self._reply is not None and self._speech is not None and not scope.cancel_called:
                self._cut(self._reply, (self._speech.start_s, self._now_s()))
                self._notify()

    def _supersede(self, reply: Turn, by: Turn) -> None:
        if self._joining:
            self._parts.history.take_back_user()
            self._parts.speaker.cut()
            self._reply = None
            self._drop(reply, "discarded")
        else:
            self._cut(reply, (by.record.speech_start_s, by.record.speech_end_s))

    def _cut(self, reply: Turn, cause: Span | None) -> None:
        """Stop a reply for good; the history keeps what was heard of it."""
        if reply.all_queued and self._parts.speaker.queued_s == 0:
            self._finish(reply, "done")  # its last sample was already on its way out
            return
        reply.record.reply_heard = reply.record.reply[: self._parts.speaker.cut()]
        reply.record.cut_by = cause
        self._finish(reply, "cut")

    def _finish(self, reply: Turn, state: str) -> None:
        if state == "done":
            reply.record.reply_heard = reply.record.reply
        self._parts.history.add_assistant(reply.record.reply_heard)
        reply.record.sounded = self._parts.speaker.spans()
        self._reply = None
        self._drop(reply, state)

    def _drop(self, turn: Turn, state: str) -> None:
        turn.record.state = state  # type: ignore[assignment]
        turn.record.ended_s = self._now_s()
        turn.cancel()
        self._parts.changed(turn.record)

    # turns

    def _start(self, record: TurnRecord, utterance: Utterance | None, settled: Settled) -> Turn:
        turn = Turn(self._parts, record, utterance, settled, self._on_transcript, self._on_end)
        self.turns.append(record)
        assert self._tasks is not None
        self._tasks.start_soon(turn.run, name="turn")
        self._parts.changed(record)
        return turn

    def _open_if_ready(self, turn: Turn) -> None:
        if not (turn.accepted and turn.ended):
            return
        self._held, self._reply = None, turn
        self._parts.history.add_user(turn.record.transcript)
        self._parts.speaker.begin()
        turn.record.state = "open"
        turn.let_reply()
        turn.open()
        self._parts.changed(turn.record)
        if self._speech is not None and turn.utterance is not None:  # it took so long that somebody speaks again
            self._speech.hushed = False
            self._hush()

    def _now_s(self) -> float:
        return self._parts.clock.time_s()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()

"""Who may speak: the rules of turn taking, one event at a time (DESIGN.md, "Turn taking").

There is at most one reply (a turn that has the floor) and one held turn (behind its gate). Speech
during a reply first hushes it; the reply is then cut, or resumed where it stopped.
"""

from __future__ import annotations

from collections import deque

import anyio
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectReceiveStream

from assistant.commands import ENDS_REPLY, Command, wakes
from assistant.floor import Floor
from assistant.judgement import judge
from assistant.messages import (
    MIC_RATE_HZ,
    LineTyped,
    PauseBegan,
    PauseReached,
    SpeechResumed,
    SpeechStarted,
    Transcript,
    TurnEvent,
    Utterance,
    UtteranceEnded,
)
from assistant.metrics import Span, TurnRecord
from assistant.obey import obey
from assistant.parts import Parts
from assistant.patience import Patience
from assistant.speech import OpenSpeech, Settled, join, settle
from assistant.text.completeness import completeness
from assistant.turn import Turn


class Conversation:
    """Hears the capture's events and lines typed, and runs one task for each turn.

    Args:
        remembered: How many of the latest turns are kept in `turns`; None for all.
    """

    def __init__(
        self, parts: Parts, inbox: MemoryObjectReceiveStream[TurnEvent], remembered: int | None = None
    ) -> None:
        self.turns: deque[TurnRecord] = deque(maxlen=remembered)
        self.asleep = False
        """Nothing said is answered, but a phrase that wakes; a key or a typed line is."""
        self._parts = parts
        self._inbox = inbox
        self._tasks: TaskGroup | None = None
        self._floor = Floor(parts)
        self._patience = Patience(parts.config.endpoint)
        self._speech: OpenSpeech | None = None
        self._held: Turn | None = None
        self._language = ""
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
        return self._speech is None and self._floor.reply is None and self._held is None

    @property
    def hearing(self) -> bool:
        """Somebody is speaking."""
        return self._speech is not None

    @property
    def floor(self) -> Floor:
        """The reply that is being heard."""
        return self._floor

    async def wait_changed(self) -> None:
        """Wait for the next change of any kind."""
        await self._changed.wait()

    def sounded(self, record: TurnRecord) -> list[Span]:
        """When samples of a turn's reply left the loudspeaker, up to now."""
        reply = self._floor.reply
        return self._parts.speaker.spans() if reply is not None and reply.record is record else record.sounded

    def interrupt(self) -> None:
        """Cut what is being said, or is about to be; whoever is speaking goes on."""
        if self._held is not None and self._held.ended:
            self._discard_held()
        self._floor.cut(None)
        self._notify()

    def cancel(self) -> None:
        """Abandon whatever goes on."""
        self._speech = None
        self._confirming.cancel()
        self._discard_held()
        self._floor.cut(None)
        self._notify()

    def sleep(self) -> None:
        """Answer nothing that is said, until woken."""
        self.asleep = True
        self.interrupt()

    def wake(self) -> None:
        """Listen again."""
        self.asleep = False
        self._notify()

    # events

    def _handle(self, event: TurnEvent) -> None:
        match event:
            case SpeechStarted():
                self._on_speech_started(event)
            case PauseBegan():
                self._begin(event.utterance)
            case PauseReached():
                self._on_pause(event.utterance)
            case SpeechResumed():
                self._on_resumed(event.pause_ms)
            case UtteranceEnded():
                self._on_ended(event)
            case LineTyped():
                self._on_line(event.text)

    def _on_speech_started(self, event: SpeechStarted) -> None:
        self._speech = OpenSpeech(event.speech_start / MIC_RATE_HZ, event.by_key, event.echo_after_ms)
        if event.by_key:
            self.asleep = False
            if self._floor.audible:
                self._floor.cut(None)
        self._hush()

    def _on_pause(self, utterance: Utterance) -> None:
        self._confirming.cancel()
        speech, held = self._speech, self._held
        if speech is None:
            return
        speech.paused = True
        if utterance.is_echo:
            self._floor.relent(speech)
        elif held is None or held.ended:
            self._begin(utterance)
        elif speech.unjudged is not None:
            self._on_transcript(held, speech.unjudged)

    def _begin(self, utterance: Utterance) -> None:
        """Work on what was said, in case that was all."""
        speech, floor, config = self._speech, self._floor, self._parts.config
        if speech is None or (self.asleep and not wakes(config.commands, config.transcribe.language)):
            return
        if utterance.is_echo or utterance.voiced_ms < (0 if speech.by_key else config.endpoint.min_voiced_ms):
            return  # nobody, or a knock; if it goes on, the next pause carries all of it
        before = self._held or (floor.reply if floor.joining else None)
        if before is not None and before.utterance is not None:  # it was over, and its reply had not been heard
            gap_ms = (utterance.speech_start - before.utterance.speech_end) * 1000 / MIC_RATE_HZ
            self._patience.learn(before.ending, gap_ms)
            speech.before = before.utterance
            self._discard_held()
        if speech.before is not None:
            utterance = join(speech.before, utterance)
        start_s, end_s = utterance.speech_start / MIC_RATE_HZ, utterance.speech_end / MIC_RATE_HZ
        record = TurnRecord("spoken", start_s, end_s, self._now_s())
        speech.unjudged = None
        self._held = self._start(record, utterance, speech.settled)
        self._held.joined, self._held.language = speech.before is not None, self._language

    def _on_resumed(self, pause_ms: float) -> None:
        speech, held = self._speech, self._held
        if held is not None and not held.ended:  # else it is what was said before, and is joined at the next pause
            self._discard_held()
        if speech is None or not speech.paused:
            return
        if held is not None and held.utterance is not None and held.accepted:
            self._patience.learn(held.ending, pause_ms)
            speech.settled = settle(speech.settled, held.utterance, held.record.transcript)
        speech.paused = False
        self._hush()

    def _on_ended(self, event: UtteranceEnded) -> None:
        self._confirming.cancel()
        self._speech, held = None, self._held
        if held is None:
            self._floor.relent()
        elif not held.ended:  # else it is a knock while the words before it are being made out
            held.ended = True
            held.record.endpoint_s = self._now_s() if event.key_up is None else event.key_up / MIC_RATE_HZ
            self._open_if_ready(held)

    def _on_line(self, text: str) -> None:
        by_key = self._speech if self._speech is not None and self._speech.by_key else None
        self.cancel()
        self._speech = by_key  # the end of any other would be a turn that cuts the reply to the line
        now_s = self._now_s()
        record = TurnRecord("typed", now_s, now_s, now_s, transcript=text, endpoint_s=now_s, transcript_s=now_s)
        self._parts.history.add_user(text)
        self._floor.take(self._start(record, None, Settled()))

    # a turn's own news

    def _on_transcript(self, turn: Turn, transcript: Transcript) -> None:
        speech, floor = self._speech, self._floor
        judgement = judge(turn, transcript, self._parts, floor, self.asleep)
        final = floor.reply is not None or judgement.refused or judgement.command is not None
        if final and speech is not None and not (speech.paused or turn.ended):
            speech.unjudged = transcript  # what follows could not be taken back, and the pause may be one within a word
            return
        turn.record.reason = judgement.refused
        if judgement.refused:
            self._held = None
            turn.leave("rejected")
            if speech is None or not turn.ended:  # else somebody speaks again, and that decides
                floor.relent(speech)
        else:
            self._accept(turn, transcript, judgement.command)
        self._notify()

    def _accept(self, turn: Turn, transcript: Transcript, command: Command | None) -> None:
        turn.accepted = True
        turn.language = self._language = transcript.language
        turn.record.command = command
        if command is None or command in ENDS_REPLY:
            self._floor.supersede(turn.record)
        if command == "never_mind" and self._floor.cut_by_s == turn.record.speech_start_s:
            turn.record.forgot = True
            self._parts.history.forget_last()
        turn.understood("finished" if command else completeness(transcript.text, transcript.language))
        if command is None:
            turn.let_reply()
        self._open_if_ready(turn)

    def _on_end(self, turn: Turn) -> None:
        self._floor.finish()
        self._notify()

    # what is done to replies

    def _hush(self) -> None:
        """Silence a reply until it is known what the speech means; long enough, and it is an interruption."""
        if self._speech is None or self.asleep:
            return
        self._floor.hush(self._speech)
        if self._floor.audible and self._tasks is not None:
            self._confirming = anyio.CancelScope()
            self._tasks.start_soon(self._confirm, self._confirming, self._floor.confirm_s(self._speech), name="confirm")

    async def _confirm(self, scope: anyio.CancelScope, after_s: float) -> None:
        with scope:
            await anyio.sleep(after_s)
            if self._speech is not None and not scope.cancel_called:
                self._floor.cut((self._speech.start_s, self._now_s()))
                self._notify()

    # turns

    def _start(self, record: TurnRecord, utterance: Utterance | None, settled: Settled) -> Turn:
        turn = Turn(self._parts, record, utterance, settled, self._patience, self._on_transcript, self._on_end)
        self.turns.append(record)
        assert self._tasks is not None
        self._tasks.start_soon(turn.run, name="turn")
        self._parts.changed(record)
        return turn

    def _discard_held(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            held.leave("discarded")

    def _open_if_ready(self, turn: Turn) -> None:
        if not (turn.accepted and turn.ended):
            return
        self._held = None
        if turn.record.command is not None:
            if turn.record.command in ("sleep", "wake"):
                self.asleep = turn.record.command == "sleep"
            obey(turn, self._parts, self._floor)
        else:
            self._parts.history.add_user(turn.record.transcript)
            self._floor.take(turn)
        if self._speech is not None and self._floor.reply is turn:  # it took so long that somebody speaks again
            self._speech.hushed = False
            self._hush()

    def _now_s(self) -> float:
        return self._parts.clock.time_s()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()

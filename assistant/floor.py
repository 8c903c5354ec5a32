"""The floor: the one reply that may be heard, and what is done to it."""

from __future__ import annotations

from assistant.metrics import ReplyPause, Span, TurnRecord, TurnState
from assistant.parts import Parts
from assistant.speech import OpenSpeech
from assistant.turn import Turn


class Floor:
    """Holds at most one reply: it is heard, hushed, taken up again, cut, or comes to its end."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.reply: Turn | None = None
        self.last: tuple[str, int] = ("", 0)
        """The last reply's text and how much of it was heard, for "repeat that" and "go on"."""
        self.cut_by_s: float | None = None
        """When the speech began that cut the last reply, until another reply has the floor."""

    @property
    def rest(self) -> str:
        """What was not heard of the last reply."""
        text, heard = self.last
        return text[heard:]

    @property
    def audible(self) -> bool:
        """A reply has begun to sound."""
        return self.reply is not None and self._parts.speaker.started

    @property
    def hushed(self) -> bool:
        """The reply is silent until it is known what was said."""
        return self.reply is not None and self.reply.paused

    @property
    def joining(self) -> bool:
        """A reply to something spoken is not yet audible, so speech joins the utterance it answers."""
        return self.reply is not None and self.reply.utterance is not None and not self._parts.speaker.started

    def take(self, turn: Turn) -> None:
        """Let a turn be heard, as soon as it has anything to say."""
        self.reply, self.cut_by_s = turn, None
        self._parts.speaker.begin()
        turn.record.state = "open"
        turn.let_reply()
        turn.open()
        self._parts.changed(turn.record)

    def hush(self, speech: OpenSpeech) -> None:
        """Silence the reply, and its generation, until it is known what the speech means."""
        reply = self.reply
        if reply is None or speech.hushed:
            return
        speech.hushed = True
        reply.pause()
        self._parts.speaker.pause()
        if self._parts.speaker.started:
            now_s = self._parts.clock.time_s()
            reply.record.pauses.append(ReplyPause(now_s, (speech.start_s, now_s)))
        self._parts.changed(reply.record)

    def confirm_s(self, speech: OpenSpeech) -> float:
        """How long speech must go on to cut the reply just hushed: until its echo must be over, and then some.

        What the device has taken already sounds on, 0.3 s with Bluetooth. From the stop alone, a late echo cut it.
        """
        spans = self._parts.speaker.spans()
        sounds_s = max(spans[-1][1] - self._parts.clock.time_s(), 0.0) if spans else 0.0
        return sounds_s + (speech.echo_after_ms + self._parts.config.interruption.confirm_ms) / 1000

    def relent(self, speech: OpenSpeech | None = None) -> None:
        """It was nothing: take the reply up again at the sample where it stopped.

        Args:
            speech: What is being said all the same, by now.
        """
        if speech is not None:
            speech.hushed = False
            if self.joining:
                speech.before = None  # it is answered after all
        if self.reply is None:
            return
        pauses = self.reply.record.pauses
        if pauses and pauses[-1].end_s is None:
            pauses[-1].end_s = self._parts.clock.time_s()
        self._parts.speaker.resume()
        self.reply.resume()
        self._parts.changed(self.reply.record)

    def withdraw(self) -> None:
        """Nothing of the reply was heard, and the user message it answers goes on."""
        reply = self.reply
        assert reply is not None
        if reply.record.command is None:
            self._parts.history.take_back_user()
        self._parts.speaker.cut()
        self.reply = None
        reply.leave("discarded")

    def supersede(self, by: TurnRecord) -> None:
        """Something else was said that is to be answered, or obeyed."""
        if self.joining:
            self.withdraw()
        else:
            self.cut((by.speech_start_s, by.speech_end_s))

    def cut(self, cause: Span | None) -> None:
        """Stop the reply for good; the history keeps what was heard of it.

        Args:
            cause: The speech that interrupted it; None for a key or a typed line.
        """
        reply = self.reply
        if reply is None:
            return
        if reply.all_queued and self._parts.speaker.queued_s == 0:
            self.finish()  # its last sample was already on its way out
            return
        heard = self._parts.speaker.cut()
        reply.record.cut_by = cause
        self.cut_by_s = cause[0] if cause is not None else None
        self._end(reply, heard, "cut")

    def finish(self) -> None:
        """The last sample has been heard."""
        assert self.reply is not None
        self._end(self.reply, len(self.reply.text), "done")

    def _end(self, reply: Turn, heard: int, state: TurnState) -> None:
        record = reply.record
        if record.command is None:
            record.reply_heard = record.reply[:heard]
        elif record.command == "go_on":
            record.went_on = reply.text[:heard]
        if record.command is None or record.command == "go_on":
            self._parts.history.add_assistant(reply.text[:heard])
            self.last = reply.text, heard
        record.sounded = self._parts.speaker.spans()
        self.reply = None
        reply.leave(state)
        if record.cut_by is None:  # else the models are busy with what interrupted it
            self._parts.next_prompt.read()

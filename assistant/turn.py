"""One turn as one task: utterance, transcript, reply, fragments, speech, behind a gate.

Its queues are born and die with it, so nothing stale can exist. The conversation opens its gate,
pauses it, or cancels it; the turn tells the conversation its transcript and its end.
"""

from __future__ import annotations

from collections.abc import Callable

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from assistant.messages import Fragment, Priority, SpeechAudio, Steps, Transcript, Utterance
from assistant.metrics import TurnRecord, TurnState
from assistant.pacing import Pace
from assistant.parts import Parts
from assistant.patience import Patience
from assistant.speech import Settled
from assistant.text.completeness import Completeness
from assistant.text.fragments import FragmentCutter
from assistant.turn_end import Ending, hear, weigh

_FRAGMENTS_AHEAD = 8
"""Text waiting for the voice: enough that the model never waits for it in practice, small because text is."""


class Turn:
    """One user message and its reply.

    Args:
        utterance: What was spoken; None when `record.transcript` was typed.
        settled: How much of the utterance is transcribed already.
        patience: How long its end is waited for.
        on_transcript: Called once with the transcript, before anything is generated.
        on_end: Called when the reply's last sample has been heard.
    """

    def __init__(
        self,
        parts: Parts,
        record: TurnRecord,
        utterance: Utterance | None,
        settled: Settled,
        patience: Patience,
        on_transcript: Callable[[Turn, Transcript], None],
        on_end: Callable[[Turn], None],
    ) -> None:
        self.record = record
        self.utterance = utterance
        self.accepted = False
        self.ended = utterance is None
        self.all_queued = False
        self.joined = False
        """It goes on an utterance of which the reply had not been heard."""
        self.ending: Ending = "unknown"
        self.language = "en"
        """Of what was said; before that is known, of the talk so far, or empty."""
        self.says: str | None = None
        """What to say instead of asking the language model."""
        self._parts = parts
        self._settled = settled
        self._patience = patience
        self._end_probability: float | None = None
        self._on_transcript = on_transcript
        self._on_end = on_end
        self._gate = anyio.Event()
        self._may_reply = anyio.Event()
        self._running = anyio.Event()
        self._running.set()
        self._scope = anyio.CancelScope()
        self._sounding = anyio.Event()
        """Of the reply; set too when there will be no sound of it."""
        self._news = anyio.Event()
        """Of more text; each is set once."""

    # what the conversation does to a turn

    def understood(self, words: Completeness) -> None:
        """Wait for the end as long as words and sound ask for."""
        self._judge_end(words)
        self._wait_for_end()

    def let_reply(self) -> None:
        """Generate, as far as can be done behind the gate."""
        self._may_reply.set()

    def open(self) -> None:
        """Let it be heard."""
        self._gate.set()

    def pause(self) -> None:
        """Take no further step of the reply until resumed; a running step ends."""
        if self._running.is_set():
            self._running = anyio.Event()

    @property
    def paused(self) -> bool:
        """No step of the reply is taken."""
        return not self._running.is_set()

    def resume(self) -> None:
        """Go on."""
        self._running.set()

    def leave(self, state: TurnState) -> None:
        """Abandon whatever is left of it."""
        self.record.state = state
        self.record.ended_s = self._parts.clock.time_s()
        self._scope.cancel()
        self._parts.changed(self.record)

    @property
    def text(self) -> str:
        """What is being said."""
        return self.record.reply if self.says is None else self.says

    # its life

    async def run(self) -> None:
        """Live to the last sample of the reply, or to the cancellation."""
        with self._scope:
            if self.utterance is not None:
                await self._listen(self.utterance)
                self._on_transcript(self, await self._transcribe(self.utterance))
            await self._may_reply.wait()
            parts, speaker = self._parts, self._parts.speaker
            pace = Pace(parts.config.speech, parts.inference.rates, lambda: speaker.queued_s)
            async with anyio.create_task_group() as tasks:
                send, receive = anyio.create_memory_object_stream[Fragment](_FRAGMENTS_AHEAD)
                tasks.start_soon(self._write, send, pace, name="reply")
                tasks.start_soon(self._speak, receive, pace, name="speak")
                tasks.start_soon(self._acknowledge, pace, name="acknowledge")
            self.all_queued = True
            await self._gate.wait()
            if self.says is None:
                parts.next_prompt.read(self.record.reply)
            await speaker.until(lambda: speaker.queued_s == 0)
            sounded = speaker.spans()
            await anyio.sleep(max(sounded[-1][1] - parts.clock.time_s(), 0) if sounded else 0)
            if not self._scope.cancel_called:
                self._on_end(self)

    async def _listen(self, utterance: Utterance) -> None:
        """Where the end sounds final, do not wait for the words to say so."""
        if self._parts.turn_model is not None:
            steps = self._parts.turn_model.end_probability(utterance.samples)
            async with self._parts.inference.run(steps, self._priority) as probabilities:
                self._end_probability = await anext(probabilities)
        self._judge_end(None)
        if self.ending == "final":
            self._wait_for_end()

    def _judge_end(self, words: Completeness | None) -> None:
        assert self.utterance is not None
        settings = self._parts.config.endpoint
        self.ending = hear(words, self.utterance.finality, settings)
        if self._end_probability is not None and self.record.command is None:
            self.ending = weigh(self.ending, self._end_probability, settings)

    def _wait_for_end(self) -> None:
        assert self.utterance is not None
        self._parts.end_after(self.utterance.speech_end, self._patience.wait_ms(self.ending))

    async def _transcribe(self, utterance: Utterance) -> Transcript:
        language = self.language if self._parts.config.transcribe.language == "auto" else ""
        steps = self._parts.transcriber.transcribe(utterance.samples[self._settled.samples :], language)
        async with self._parts.inference.run(steps, self._priority) as transcripts:
            transcript = await anext(transcripts)
        if self._settled.text:
            rest = "" if transcript.refused else transcript.text
            transcript = Transcript(f"{self._settled.text} {rest}".strip(), language=transcript.language)
        self.record.transcript = transcript.text
        self._mark("transcript_s")
        return transcript

    async def _write(self, outbox: MemoryObjectSendStream[Fragment], pace: Pace) -> None:
        config, parts = self._parts.config, self._parts
        cutter = FragmentCutter(config.speech, config.transcribe.language, plan=pace)
        async with outbox:
            if self.says is not None:
                fragments = [*cutter.feed(self.says), *cutter.finish()]
                pace.finish()
                await self._send(fragments, outbox)
                return
            await parts.next_prompt.stop()
            messages = parts.history.messages(None if self._gate.is_set() else self.record.transcript)
            async with parts.inference.run(parts.chat.reply(messages), self._token_priority) as pieces:
                async for piece in pieces:
                    self._mark("first_token_s")
                    self.record.reply += piece.text
                    pace.token()
                    await self._send(cutter.feed(piece.text), outbox)
                    if piece.finish:  # at once: the model's last step, which writes no more, took as long as a token
                        await self._send(cutter.finish(), outbox)
                        pace.finish()
                    self._wrote()
                    await self._running.wait()

    async def _send(self, fragments: list[Fragment], outbox: MemoryObjectSendStream[Fragment]) -> None:
        for fragment in fragments:
            self._mark("first_sentence_s")
            await outbox.send(fragment)

    async def _speak(self, inbox: MemoryObjectReceiveStream[Fragment], pace: Pace) -> None:
        before: Fragment | None = None
        async with inbox:
            async for fragment in inbox:
                await self._running.wait()
                opens_sentence, gap_ms = before is None or before.ends_sentence, self._gap_ms(before)
                sound_s = 0.0
                steps = self._sound(fragment, first=before is None)
                async with self._parts.inference.run(steps, self._priority) as pieces:
                    async for audio in pieces:
                        await self._play(audio, gap_ms, pace if opens_sentence else None)
                        opens_sentence, gap_ms = False, 0
                        sound_s += self._seconds(audio)
                pace.spoken(sound_s)
                before = fragment
        self._sounding.set()

    def _sound(self, fragment: Fragment, first: bool) -> Steps[SpeechAudio]:
        """A kept phrase is never the first sound of the model's reply (DIALOGUE.md)."""
        parts = self._parts
        if first and self.says is None:
            return parts.synthesizer.synthesize(fragment)
        return parts.phrases.synthesize(parts.synthesizer, fragment)

    async def _acknowledge(self, pace: Pace) -> None:
        await self._gate.wait()
        acknowledgement = self._parts.acknowledgement
        if acknowledgement is not None and self.says is None and not self.paused:
            await acknowledgement.say_if_late(pace.first_s(), self._sounding, self._parts.speaker)

    async def _play(self, audio: SpeechAudio, gap_ms: float, pace: Pace | None) -> None:
        self._mark("first_fragment_s")
        speaker, ahead_s = self._parts.speaker, self._parts.config.playback.ahead_s
        await self._gate.wait()
        await speaker.until(lambda: speaker.queued_s < ahead_s)
        while pace is not None and pace.must_know_more(self._seconds(audio)):
            await self._news.wait()
        if not self._scope.cancel_called:  # a cancellation reaches the task only at its next wait
            delay_s = pace.delay_s(self._seconds(audio)) if pace is not None else 0.0
            speaker.push(audio, gap_ms, 1000 * max(delay_s, speaker.chime_s))
            self._sounding.set()

    def _seconds(self, audio: SpeechAudio) -> float:
        return len(audio.samples) / self._parts.synthesizer.rate_hz

    def _wrote(self) -> None:
        self._news.set()
        self._news = anyio.Event()

    def _gap_ms(self, before: Fragment | None) -> float:
        if before is None:
            return 0
        speech = self._parts.config.speech
        return speech.sentence_gap_ms if before.ends_sentence else speech.clause_gap_ms

    def _priority(self) -> Priority:
        if not self._gate.is_set():
            return Priority.HELD
        return Priority.PLAYBACK if self._sounding.is_set() else Priority.FIRST_AUDIO

    def _token_priority(self) -> Priority:
        return Priority.TOKEN if self._gate.is_set() else Priority.HELD_TOKEN

    def _mark(self, name: str) -> None:
        if getattr(self.record, name) is None:
            setattr(self.record, name, self._parts.clock.time_s())
            self._parts.changed(self.record)

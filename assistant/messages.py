"""Everything that crosses a queue: past tense for events, nouns for data, units in the names.

Audio is float32 in [-1, 1], mono. The microphone's side of the program runs at 16 kHz, and its
clock is the count of samples since the stream began; the loudspeaker's side runs at the voice's
own rate. Reply positions are indices into the written reply (Python string indices).
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Generic, Literal, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

Samples: TypeAlias = npt.NDArray[np.float32]

MIC_RATE_HZ = 16_000
FRAME_MS = 10
FRAME_SAMPLES = MIC_RATE_HZ * FRAME_MS // 1000

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


# microphone -> capture


@dataclass(frozen=True, slots=True)
class DeskOpened:
    """A microphone and a loudspeaker were opened: the room, and what is known of its echo, are new."""

    loudspeakers: bool
    """Whether the microphone can hear what is played."""
    latency_ms: float
    """What the output device says lies between taking a sample and its sound."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """10 ms of microphone, with what was handed to the loudspeaker's converter in the same 10 ms."""

    start: int
    """Index of the first sample, 16 kHz, since the stream began."""
    samples: Samples
    """(160,) from the microphone."""
    reference: Samples
    """(160,) played, at 16 kHz; zeros while nothing plays. It leads the echo, never lags it."""
    opened: DeskOpened | None = None
    """Set on the first frame after devices were opened or exchanged."""


# capture -> conversation, on one ordered queue


@dataclass(frozen=True, slots=True, eq=False)
class Utterance:
    """Speech so far, pre-roll included, cancelled of echo where the canceller ran."""

    start: int
    """Sample index of `samples[0]`."""
    samples: Samples
    """(n,) at 16 kHz."""
    speech_start: int
    """Sample index of the first voiced sample."""
    speech_end: int
    """Sample index after the last voiced sample."""
    voiced_ms: float
    """Time judged to be speech, pauses left out."""
    in_echo_window: bool = False
    """It began while the assistant was audible, or within the window's tail."""
    is_echo: bool = False
    """Its sound is that of what was played (audio.self_hearing): nobody spoke."""
    finality: float = 0.0
    """The probability that this is all, by the sound of its end (audio.prosody)."""


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The user began to speak."""

    speech_start: int
    """Sample index of the first voiced sample; earlier than the moment of this event."""
    in_echo_window: bool = False
    by_key: bool = False
    """Push-to-talk: no doubt is possible, so an audible reply is cut at once."""
    echo_after_ms: float = 0.0
    """In the echo window: how long after the sound stops its echo may still be heard."""


@dataclass(frozen=True, slots=True, eq=False)
class PauseBegan:
    """So short a silence that it may be one within a word: work may begin, nothing may be concluded from it."""

    utterance: Utterance


@dataclass(frozen=True, slots=True, eq=False)
class PauseReached:
    """A short silence: the turn may be over, what was said may be judged, nothing may be said."""

    utterance: Utterance


@dataclass(frozen=True, slots=True)
class SpeechResumed:
    """The pause was only a pause."""

    pause_ms: float = 0.0
    """How long it was."""


@dataclass(frozen=True, slots=True, eq=False)
class UtteranceEnded:
    """The silence was long enough, or the key was released."""

    utterance: Utterance
    key_up: int | None = None
    """Sample index of the release, which is the end of the turn; what comes after it is the post-roll."""


@dataclass(frozen=True, slots=True)
class LineTyped:
    """A turn typed instead of spoken; interrupts like a key."""

    text: str


TurnEvent: TypeAlias = SpeechStarted | PauseBegan | PauseReached | SpeechResumed | UtteranceEnded | LineTyped


# a turn


@dataclass(frozen=True, slots=True)
class Transcript:
    """What an utterance says."""

    text: str
    refused: Literal["", "silence", "invented", "repetition"] = ""
    """Why the text is not to be believed: nothing was said, a phrase Whisper invents, a loop."""
    avg_logprob: float = 0.0
    no_speech_prob: float = 0.0
    language: str = "en"


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of the history. Assistant texts hold what was heard, not what was written."""

    role: Literal["system", "user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class ReplyPiece:
    """One token's worth of the written reply; empty while a multi-byte character is incomplete."""

    text: str
    finish: Literal["", "stop", "length"] = ""


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """One word to be spoken, and where it stands in the written reply."""

    text: str
    """Letters only, as spoken: "three", "dollars", "doctor"."""
    start: int
    end: int
    """Written span; several spoken words may share one ("$3" -> "three dollars")."""
    after: str = ""
    """Punctuation that follows and is heard as a pause or a tone: one of , . ? ! ; : — … or empty."""
    joined: bool = False
    """The next word follows without a space, as Chinese, Japanese and Thai are written."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of a reply short enough to be synthesised in one step."""

    words: tuple[SpokenWord, ...]
    start: int
    end: int
    """Written span of the whole fragment; fragments of a reply follow each other without overlap."""
    ends_sentence: bool = False
    language: str = "en"

    @property
    def text(self) -> str:
        """The spoken form, as a voice would be given it."""
        return "".join(word.text + word.after + ("" if word.joined else " ") for word in self.words).rstrip()

    def part(self, first: int, last: int) -> Fragment:
        """Words [first, last), with their written span; the sentence ends only in a part that goes up to its end.

        The first part begins where the fragment does and the last ends where it does. A part in between that has
        no words is an empty span after the word before it.
        """
        words, whole = self.words[first:last], last == len(self.words)
        if not first:
            start = self.start
        else:
            start = words[0].start if words else self.words[first - 1].end
        end = self.end if whole else words[-1].end if words else start
        return Fragment(words, start, end, self.ends_sentence and whole, self.language)


@dataclass(frozen=True, slots=True)
class WordTime:
    """When a spoken word sounds, in samples from the start of its audio."""

    start: int
    end: int
    written_end: int
    """Index after the word in the written reply."""


@dataclass(frozen=True, slots=True, eq=False)
class SpeechAudio:
    """A fragment made sound, trimmed of lead-in and tail silence, at the voice's rate."""

    samples: Samples
    words: tuple[WordTime, ...]
    fragment: Fragment


# models -> inference


class Priority(IntEnum):
    """Whose step is taken next; lower first."""

    FIRST_AUDIO = 0
    PLAYBACK = 1
    TOKEN = 2
    HELD = 3
    HELD_TOKEN = 4
    """Of a held turn's reply: its first fragment is made sound before more is written."""
    AHEAD = 5
    """What the next prompt begins with, before anybody speaks."""


WorkKind: TypeAlias = Literal[
    "whisper_encoder", "whisper_token", "chat_prefill", "chat_token", "voice", "voice_more", "turn_model"
]


@dataclass(frozen=True, slots=True)
class Work:
    """What a step did, for the simulated clock's costs and for work per second of audio.

    `amount` is seconds of context for whisper_encoder, tokens for whisper_token, chat_prefill and
    chat_token, seconds of audio for voice, and for voice_more, which is a fragment that goes on, calls for turn_model.
    """

    kind: WorkKind
    amount: float


@dataclass(frozen=True, slots=True)
class Step(Generic[T_co]):
    """One uninterruptible piece of inference; everything in it is evaluated when it is yielded."""

    work: tuple[Work, ...] = ()
    values: tuple[T_co, ...] = field(default=())
    """Results ready after this step: none while working towards one."""


Steps: TypeAlias = Generator[Step[T], None, None]
"""A model's work: each `next()` is one step; `close()` abandons it and leaves the model usable."""

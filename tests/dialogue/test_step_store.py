"""Kept steps are the steps that were made; what is missing is made, from the state in which it would have been."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from fakes import FakeSynthesizer, FakeTurnModel

from assistant.dialogue.step_store import StepStore, Transcripts, digest
from assistant.dialogue.stored_models import Lazy, StoredChat, StoredSynthesizer, StoredTranscriber, StoredTurnModel
from assistant.errors import AssistantError
from assistant.messages import (
    ChatMessage,
    Fragment,
    ReplyPiece,
    Samples,
    SpokenWord,
    Step,
    Steps,
    Transcript,
    Work,
)

HELLO = (ChatMessage("user", "hello"),)
MORE = (ChatMessage("user", "more"),)
FRAGMENT = Fragment((SpokenWord("one", 0, 3), SpokenWord("two", 4, 7, ".")), 0, 8, True)


class CountingChat:
    """What a call costs, and says, depends on how many tokens the calls before it took."""

    def __init__(self) -> None:
        self.tokens = 0
        self.loaded = True

    def reply(self, messages: Sequence[ChatMessage]) -> Steps[ReplyPiece]:
        """See ports.ChatModel."""
        yield Step((Work("chat_prefill", self.tokens + 1),))
        for word in ("one ", "two ", "three "):
            self.tokens += 1
            yield Step((Work("chat_token", 1),), (ReplyPiece(f"{word}{self.tokens} "),))
        self.tokens += 10
        yield Step((Work("chat_token", 1),), (ReplyPiece("", "stop"),))

    def prefill(self, messages: Sequence[ChatMessage]) -> Steps[None]:
        """See ports.ChatModel."""
        self.tokens += 100
        yield Step((Work("chat_prefill", 100),))


class Echo:
    """Transcribes to the number of samples."""

    def __init__(self) -> None:
        self.calls = 0

    def transcribe(self, samples: Samples, language: str = "") -> Steps[Transcript]:
        """See ports.Transcriber."""
        self.calls += 1
        yield Step((Work("whisper_encoder", 0.1),))
        yield Step((Work("whisper_token", 3),), (Transcript(f"{len(samples)}", avg_logprob=-1 / 3),))


@pytest.fixture
def store(tmp_path: Path) -> StepStore:
    """An empty one."""
    return StepStore(tmp_path / "steps")


def never() -> CountingChat:
    """A model that must not be loaded."""
    raise AssertionError("the model was loaded")


def talk(chat: StoredChat, *takes: int | None) -> list[Step[ReplyPiece]]:
    """Prefill, then replies of which so many steps are taken; None is to the end."""
    steps: list[Step[ReplyPiece]] = [*chat.prefill(HELLO)]  # type: ignore[list-item]
    for index, take in enumerate(takes):
        reply = chat.reply([*HELLO, *MORE * index])
        steps += islice(reply, take) if take is not None else reply
        reply.close()
    return steps


def test_kept_steps_are_those_that_were_made(store: StepStore) -> None:
    """To the bit, without the model."""
    samples = np.linspace(0, 1, 50, dtype=np.float32)
    made = list(StoredTranscriber("whisper", store, Lazy(Echo)).transcribe(samples))
    kept = list(StoredTranscriber("whisper", store, Lazy(never)).transcribe(samples))  # type: ignore[arg-type]
    assert kept == made
    assert (store.kept, store.made) == (2, 2)


def test_another_input_or_another_model_is_other_work(store: StepStore) -> None:
    """A sample of difference is enough."""
    echo = Echo()
    samples = np.zeros(50, np.float32)
    for key, given in (("a", samples), ("a", samples + 1e-7), ("b", samples), ("a", samples)):
        list(StoredTranscriber(key, store, Lazy(lambda: echo)).transcribe(given))
    assert echo.calls == 3
    assert digest("a", samples) != digest("a", samples[1:])


def test_sound_comes_back_as_it_was(store: StepStore) -> None:
    """With its words; another speed is other work."""
    voice = FakeSynthesizer()
    stored = StoredSynthesizer("voice", store, Lazy(lambda: voice), voice.rate_hz, 1.0)
    ((made,), (kept,)) = (next(stored.synthesize(FRAGMENT)).values for _ in range(2))
    assert np.array_equal(made.samples, kept.samples) and made.words == kept.words
    stored.speed = 1.15
    list(stored.synthesize(FRAGMENT))
    assert (store.kept, store.made, voice.speed) == (1, 2, 1.15)


def test_a_probability_comes_back_as_it_was(store: StepStore) -> None:
    """To the last bit; another sound is other work."""
    model = FakeTurnModel(1 / 3)
    stored = StoredTurnModel("turn", store, Lazy(lambda: model))
    samples = np.linspace(0, 1, 50, dtype=np.float32)
    (made,), (kept,), (other,) = (list(stored.end_probability(given)) for given in (samples, samples, samples[1:]))
    assert made == kept == other == Step((Work("turn_model", 1),), (1 / 3,))
    assert model.heard == [50, 49]


@pytest.mark.parametrize("first", [(None, None), (2, None), (0, 3), (5, 1)])
@pytest.mark.parametrize("second", [(None, None), (2, None), (2, 3, None), (None, 4), (5, None)])
def test_a_talk_that_goes_another_way_gives_what_the_model_alone_would(
    store: StepStore, first: tuple[int | None, ...], second: tuple[int | None, ...]
) -> None:
    """Wherever it leaves the one that is kept: in mid-reply, between replies, or not at all."""
    talk(StoredChat("chat", store, Lazy(CountingChat)), *first)
    alone = talk(StoredChat("other", StepStore(store.folder / "none"), Lazy(CountingChat)), *second)
    assert talk(StoredChat("chat", store, Lazy(CountingChat)), *second) == alone
    assert talk(StoredChat("chat", store, Lazy(never)), *second) == alone


def test_half_a_file_is_made_anew(store: StepStore) -> None:
    """And nobody is told; so is one whose bytes were changed (bit 5 of a flag has Python's zipfile give up)."""
    transcriber = StoredTranscriber("whisper", store, Lazy(Echo))
    made = list(transcriber.transcribe(np.zeros(9, np.float32)))
    (path,) = store.folder.glob("*/*.npz")
    whole = path.read_bytes()
    path.write_bytes(whole[:100])
    assert list(transcriber.transcribe(np.zeros(9, np.float32))) == made
    path.write_bytes(whole[:6] + b"\x20" + whole[7:])
    assert list(transcriber.transcribe(np.zeros(9, np.float32))) == made


def test_a_store_that_cannot_be_written(tmp_path: Path) -> None:
    """One sentence with the cure."""
    (tmp_path / "file").write_text("")
    store = StepStore(tmp_path / "file")
    sentence = r"file cannot be written: .*--no-step-store\.$"
    with pytest.raises(AssistantError, match=sentence):
        store.number("key", lambda: 24_000)
    with pytest.raises(AssistantError, match=sentence):
        list(StoredTranscriber("whisper", store, Lazy(Echo)).transcribe(np.zeros(9, np.float32)))


def test_the_oldest_go_first(store: StepStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """When there is too much."""
    monkeypatch.setattr("assistant.dialogue.step_store._MOST_BYTES", 3000)
    for count in range(9):
        list(store.steps(f"{count:064d}", Transcripts(), lambda: Echo().transcribe(np.zeros(9, np.float32))))
    assert len(list(store.folder.glob("*/*.npz"))) == 9
    store.prune()
    assert 0 < len(list(store.folder.glob("*/*.npz"))) < 9

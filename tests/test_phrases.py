"""Phrases that are said again are not made again, and nothing of them is anybody's first sound."""

from __future__ import annotations

import numpy as np
import pytest
from fakes import FAKE_RATE_HZ, WORD_SAMPLES, FakeSynthesizer
from talks import Talk

from assistant.messages import Fragment, SpeechAudio, SpokenWord, Step, Steps, WordTime, Work
from assistant.phrases import Phrases


def fragment(text: str, start: int = 0) -> Fragment:
    words, at = [], start
    for word in text.split():
        words.append(SpokenWord(word, at, at + len(word)))
        at += len(word) + 1
    return Fragment(tuple(words), start, at, True)


def said(phrases: Phrases, voice: FakeSynthesizer, what: Fragment) -> tuple[SpeechAudio, bool]:
    """The sound, and whether it took work."""
    (step,) = phrases.synthesize(voice, what)
    (audio,) = step.values
    return audio, bool(step.work)


def test_what_was_said_is_said_again_without_work() -> None:
    """The same samples; the words stand where they stand in the new reply."""
    phrases, voice = Phrases(10.0), FakeSynthesizer()
    first, worked = said(phrases, voice, fragment("it is nine"))
    again, worked_again = said(phrases, voice, fragment("it is nine", start=7))
    assert (worked, worked_again) == (True, False)
    assert np.array_equal(first.samples, again.samples)
    assert [word.written_end for word in again.words] == [9, 12, 17]
    assert again.fragment == fragment("it is nine", start=7)


class LongFirstWord(FakeSynthesizer):
    """A voice that streams, and whose first word goes on into a second piece, in which no other begins."""

    def synthesize(self, fragment: Fragment) -> Steps[SpeechAudio]:
        """See ports.Synthesizer."""
        for first, last in ((0, 1), (1, 1), (1, len(fragment.words))):
            part = fragment.part(first, last)
            times = tuple(WordTime(0, WORD_SAMPLES, word.end) for word in part.words)
            yield Step((Work("voice", 0.25),), (SpeechAudio(np.full(WORD_SAMPLES, 0.1, np.float32), times, part),))


def test_a_piece_in_which_no_word_begins_is_kept_with_the_others() -> None:
    """The spans of the pieces lie edge to edge, or a space apart, in the new reply too; the last ends the sentence."""
    phrases, voice = Phrases(10.0), LongFirstWord()
    for _ in phrases.synthesize(voice, fragment("nineteen it is")):
        pass
    (kept,) = phrases.synthesize(voice, fragment("nineteen it is", start=7))
    assert [piece.fragment.text for piece in kept.values] == ["nineteen", "", "it is"]
    assert [(piece.fragment.start, piece.fragment.end) for piece in kept.values] == [(7, 15), (15, 15), (16, 22)]
    assert [piece.fragment.ends_sentence for piece in kept.values] == [False, False, True]
    assert [[word.written_end for word in piece.words] for piece in kept.values] == [[15], [], [18, 21]]


def test_another_speed_or_another_word_is_another_phrase() -> None:
    phrases, voice = Phrases(10.0), FakeSynthesizer()
    said(phrases, voice, fragment("it is nine"))
    assert said(phrases, voice, fragment("it is ten"))[1]
    voice.speed = 1.15
    assert said(phrases, voice, fragment("it is nine"))[1]


def test_the_longest_unused_go_first_and_long_ones_are_not_kept() -> None:
    """Two seconds hold two phrases of a second."""
    phrases, voice = Phrases(2.0), FakeSynthesizer()
    one, two, three = (fragment(f"a b c {name}") for name in "xyz")
    for what in (one, two, one, three):
        said(phrases, voice, what)
    assert [said(phrases, voice, what)[1] for what in (one, three)] == [False, False]
    assert said(phrases, voice, two)[1]
    long = fragment("a b c d e f g h i j k l m")
    said(Phrases(60.0), voice, long)
    assert len(said(phrases, voice, long)[0].samples) > 3 * FAKE_RATE_HZ and said(phrases, voice, long)[1]


def test_the_first_sound_of_a_models_reply_is_always_made() -> None:
    """The rest of it may be kept; a command's answer too."""
    talk = Talk(["So it is. Good night.", "So it is. Good night."], ["playback.phrases_s=60"])
    talk.types(1.0, "good night")
    talk.types(6.0, "good night")
    talk.run(12)
    spoken = [step.work[0].amount for step in talk.inference.log if step.work[0].kind == "voice"]
    assert spoken == pytest.approx([0.75, 0.5, 0.75])
    assert [turn.reply_heard for turn in talk.turns] == ["So it is. Good night."] * 2

"""Pronunciation by espeak-ng: one string a word, in context, in Kokoro's alphabet."""

from __future__ import annotations

import ctypes
import importlib.util
import sys
from types import ModuleType, SimpleNamespace

import pytest

from assistant.errors import ModelError
from assistant.messages import SpokenWord
from assistant.models import phonemes
from assistant.models.espeak import Espeak
from assistant.models.phonemes import aligned, phonemize


def words(text: str) -> list[SpokenWord]:
    """A text cut at spaces, the marks that are heard taken off."""
    cut = []
    for word in text.split():
        bare = word.rstrip(",.?!;:—…")
        cut.append(SpokenWord(bare, 0, 0, word[len(bare) :]))
    return cut


@pytest.mark.parametrize(
    ("text", "british", "expected"),
    [
        ("hello world", False, "həlˈO wˈɜɹld"),
        ("hello world", True, "həlˈQ wˈɜːld"),
        ("choose a day", False, "ʧˈuz ɐ dˈA"),
        ("better water", False, "bˈɛTəɹ wˈɔTəɹ"),
        ("better water", True, "bˈɛtə wˈɔːtə"),
        ("one last happy hour", True, "wˈʌn lˈɑːst hˈapi ˈWə"),
        ("recorded it every other hour", False, "ɹəkˈɔɹdᵻd ɪt ˈɛvɹi ˈʌðəɹ ˈWəɹ"),
        ("if I pick an answer", False, "ˌɪf ˌI pˈɪk ɐn ˈænsəɹ"),
    ],
)
def test_alphabet(text: str, british: bool, expected: str) -> None:
    """Diphthongs and affricates are single letters, length marks are British, "a" keeps its own vowel."""
    assert " ".join(phonemize(words(text), british)) == expected


def test_context_is_heard() -> None:
    """The vowel of "the" and the tense of "read" hang on their neighbours."""
    assert phonemize(words("the end"), False)[0] != phonemize(words("the day"), False)[0]
    assert phonemize(words("I read books"), False)[1] != phonemize(words("I have read books"), False)[2]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("in the morning of the day", "ɪn ðə mˈɔɹnɪŋ ʌv ðə dˈA"),
        ("I am here", "ˌI əm hˈɪɹ"),
        ("out of the blue", "ˌWt əv ðə blˈu"),
        ("it has been done for the best", "ɪt hˈæz bin dˈʌn fəɹ ðə bˈɛst"),
    ],
)
def test_words_that_espeak_runs_together_are_parted(text: str, expected: str) -> None:
    """Every word gets its own phonemes, those of the sentence and not of the word alone."""
    assert " ".join(phonemize(words(text), False)) == expected


def test_every_word_has_a_place_even_when_it_has_no_sound() -> None:
    """Scripts an English voice cannot read are silent rather than "Chinese letter"."""
    assert phonemize(words("hello 你好, 안녕 world. 再见"), False) == ["həlˈO", "", "", "wˈɜɹld", ""]
    assert phonemize([], False) == []


def test_single_capitals_are_letters() -> None:
    """Initials lean on their last letter; an "A" is an article only where it begins a clause."""
    assert phonemize(words("A B C."), False) == ["ˌA", "bˌi", "sˈi"]
    assert phonemize(words("the F B I hired"), False)[1:4] == ["ˌɛf", "bˌi", "ˈI"]
    assert phonemize(words("plan A is good"), False)[1] == "ˈA"
    assert phonemize(words("A dog barks, I think"), False)[::3] == ["ɐ", "ˌI"]


def test_alignment_keeps_all_phonemes() -> None:
    """Whatever is run together, the words hold the clause's phonemes, in order, and none is empty."""
    alone = {"going": "ɡˈəʊɪŋ", "to": "tuː", "be": "biː"}
    parted = aligned("ɡənəbiː", ["going", "to", "be"], alone.__getitem__)
    assert all(parted) and len(parted) == 3
    assert aligned("ˈɪnðə dˈeɪ", ["in", "the", "day"], {"in": "ɪn", "the": "ðə", "day": "dˈeɪ"}.__getitem__) == [
        "ˈɪn",
        "ðə",
        "dˈeɪ",
    ]


def test_an_unknown_espeak_voice_is_an_error() -> None:
    """espeak keeps the voice before it and says so only in its return code."""
    with pytest.raises(ModelError, match="no voice gmw/nowhere"):
        Espeak.load().phonemes("hello", "gmw/nowhere")
    assert Espeak.load().phonemes("hello", "gmw/en-US") == "həlˈo^ʊ"


def test_without_espeak_the_cure_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence with the line that installs it."""

    def missing(name: str) -> ctypes.CDLL:
        raise OSError(name)

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr("assistant.models.espeak.ctypes.CDLL", missing)
    with pytest.raises(ModelError, match=r"install it: .*espeakng-loader"):
        Espeak.load.__wrapped__(Espeak)


class _FakeG2P:
    """Speaks like misaki: tokens with whitespace after the last of a word, "don't" in two of them."""

    def __init__(self, trf: bool, british: bool, fallback: object) -> None:
        assert not trf

    def __call__(self, text: str) -> tuple[str, list[SimpleNamespace]]:
        tokens = []
        for word in text.split():
            parts = ["do", "n't"] if word == "don't" else [word]
            for part in parts:
                tokens.append(SimpleNamespace(phonemes=part.upper(), whitespace=" " if part is parts[-1] else ""))
        tokens = tokens[:1] if "merge" in text else tokens
        tokens[-1].whitespace = ""
        return "", tokens


def test_misaki_is_used_where_it_needs_no_download(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens are joined to words; where the counts differ espeak speaks the clause."""
    misaki, spacy = ModuleType("misaki.en"), ModuleType("spacy")
    misaki.__dict__["G2P"] = _FakeG2P
    spacy.__dict__["util"] = SimpleNamespace(is_package=lambda name: name == "en_core_web_sm")
    monkeypatch.setitem(sys.modules, "misaki.en", misaki)
    monkeypatch.setitem(sys.modules, "spacy", spacy)
    Espeak.load()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name in ("misaki", "spacy"))
    monkeypatch.setattr(phonemes, "_pronouncer", phonemes._pronouncer.__wrapped__)
    assert phonemize(words("I don't know, hello merge"), False) == ["I", "DON'T", "KNOW", "həlˈO", "mˈɜɹʤ"]

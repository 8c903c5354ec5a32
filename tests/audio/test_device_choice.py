"""Which device is meant, and what kind it is, from names and numbers alone."""

from __future__ import annotations

import pytest
from fake_devices import AIRPODS, AIRPODS_MICROPHONE, DEVICES, MACBOOK_MICROPHONE, MACBOOK_SPEAKERS

from assistant.audio.device_choice import are_headphones, check, choose, in_telephone_profile
from assistant.errors import AudioError


def test_without_a_wish_the_systems_default_is_used() -> None:
    """If it has chosen one."""
    assert choose(DEVICES, "microphone", "") == MACBOOK_MICROPHONE
    assert choose(DEVICES, "loudspeaker", "") == MACBOOK_SPEAKERS
    assert choose([AIRPODS_MICROPHONE, MACBOOK_SPEAKERS], "microphone", "") is None


@pytest.mark.parametrize("wanted", ["airpods", "Ada's AirPods Pro", "ADA", "3"])
def test_a_wish_is_a_name_a_part_of_it_or_a_number(wanted: str) -> None:
    """A microphone of the same name is not meant."""
    assert choose(DEVICES, "loudspeaker", wanted) == AIRPODS


def test_a_whole_name_goes_before_a_part() -> None:
    """ "Ada's AirPods" may be there beside "Ada's AirPods Pro"."""
    from dataclasses import replace

    plain = replace(AIRPODS, name="Ada's AirPods", index=9)
    assert choose([AIRPODS, plain], "loudspeaker", "ada's airpods") == plain


def test_a_device_that_is_gone_leaves_the_default() -> None:
    """As a headset that is switched off."""
    assert choose(DEVICES, "microphone", "jabra") == MACBOOK_MICROPHONE


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    """And with the command that lists them all."""
    with pytest.raises(AudioError) as refused:
        check(DEVICES, "loudspeaker", "MacBook Speakers")
    assert str(refused.value) == (
        "There is no loudspeaker 'MacBook Speakers'; did you mean MacBook Pro Speakers? "
        "`assistant devices` lists what there is."
    )
    with pytest.raises(AudioError, match="none is connected"):
        check([], "microphone", "jabra")
    check(DEVICES, "loudspeaker", "")
    check(DEVICES, "microphone", "airpods")


@pytest.mark.parametrize(
    "name",
    [
        "External Headphones",
        "Ada's AirPods Pro",
        "WH-1000XM5",
        "Bose QC45",
        "Bose QuietComfort 35",
        "Jabra Evolve2 65",
        "USB Headset",
        "Galaxy Buds2 (5C1A)",
        "Sennheiser MOMENTUM 4",
        "Hands-Free AG Audio",
        "headset_phones",
    ],
)
def test_headphones_are_known_by_name(name: str) -> None:
    """Nothing they play reaches the microphone."""
    assert are_headphones(name)


@pytest.mark.parametrize(
    "name",
    [
        "MacBook Pro Speakers",
        "default",
        "pulse",
        "LG ULTRAFINE",
        "JBL Flip 6",
        "Jabra Speak 510",
        "HomePod",
        "Built-in Output",
    ],
)
def test_what_is_not_known_is_a_loudspeaker(name: str) -> None:
    """With a canceller too many nothing is lost; with one too few the assistant hears itself."""
    assert not are_headphones(name)


@pytest.mark.parametrize(
    ("microphone", "loudspeaker", "rate_hz", "bluetooth", "expected"),
    [
        ("Ada's AirPods Pro", "Ada's AirPods Pro", 24_000, True, True),
        ("Ada's AirPods Pro", "Ada's AirPods Pro", 48_000, True, False),
        ("MacBook Pro Microphone", "Ada's AirPods Pro", 48_000, True, False),
        ("XYZ-7", "XYZ-7", 16_000, True, True),
        ("XYZ-7", "XYZ-7", 16_000, False, False),
        ("USB Headset", "USB Headset", 16_000, False, True),
    ],
)
def test_the_telephone_profile(
    microphone: str, loudspeaker: str, rate_hz: int, bluetooth: bool, expected: bool
) -> None:
    """Both ends of one headset, at the rate of a telephone."""
    assert in_telephone_profile(microphone, loudspeaker, rate_hz, bluetooth) is expected

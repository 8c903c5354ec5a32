"""`assistant devices`: which microphones and loudspeakers there are, and whether they work."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assistant.cli.options import ConfigFile, Json, Profile, Settings

if TYPE_CHECKING:
    from assistant.audio.device_choice import Device, Kind
    from assistant.audio.device_test import DeviceTest
    from assistant.audio.devices import PortAudio
    from assistant.audio.live_desk import LiveDesk
    from assistant.config import Config

app = typer.Typer(help="List the microphones and loudspeakers that work, or test them.", invoke_without_command=True)

_FPS = 10


@app.callback()
def devices(context: typer.Context, as_json: Json = False) -> None:
    """List the microphones and loudspeakers that work; * marks the system's default."""
    if context.invoked_subcommand is not None:
        return
    from assistant.audio.devices import PortAudio

    system = PortAudio()
    found = [facts for device in system.devices() if (facts := _facts(system, device))["rates_hz"]]
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
    elif found:
        _show(found)
    else:
        typer.echo("There is no microphone and no loudspeaker. Connect one; it is used as soon as it is there.")


@app.command()
def test(
    tone: Annotated[bool, typer.Option("--tone", help="Play a tone.")] = False,
    latency: Annotated[
        bool, typer.Option("--latency", help="Play clicks, and measure how long they take to come back.")
    ] = False,
    seconds: Annotated[float, typer.Option("--seconds", min=1, max=60, help="How long to listen.")] = 5,
    as_json: Json = False,
    profile: Profile = None,
    config: ConfigFile = None,
    settings: Settings = None,
) -> None:
    """Show the microphone's level for some seconds.

    Exit status 2 when nothing can be heard or played, with the cure.
    """
    import anyio

    from assistant.audio.device_test import DeviceTest
    from assistant.config import load

    trial = DeviceTest("clicks" if latency else "tone" if tone else "silence", time.monotonic)
    facts = anyio.run(_test, load(profile, config, settings=settings or ()), trial, seconds, as_json)
    if latency:
        facts |= _round_trip(trial.round_trips_ms())
    if as_json:
        typer.echo(json.dumps(facts, ensure_ascii=False, indent=2))
        return
    typer.echo(f"microphone   {facts['microphone']}: loudest {facts['peak_db']:.0f} dB")
    kind = "loudspeakers" if facts["loudspeakers"] else "headphones"
    typer.echo(f"loudspeaker  {facts['loudspeaker']}: {kind}, {facts['xruns']} xruns")
    if facts["warning"]:
        typer.echo(facts["warning"])
    if latency and facts["clicks_heard"]:
        low, high = facts["round_trip_range_ms"]
        typer.echo(f"round trip   {facts['round_trip_ms']} ms ({low} to {high}, {facts['clicks_heard']} clicks)")
    elif latency:
        typer.echo("round trip   no click came back: turn the loudspeaker up, or bring the microphone nearer.")


async def _test(config: Config, trial: DeviceTest, seconds: float, as_json: bool) -> dict[str, Any]:
    """Run the desk with nobody behind it; what it was and heard."""
    import dataclasses

    import anyio

    from assistant.audio.device_test import TEST_RATE_HZ
    from assistant.audio.devices import PortAudio
    from assistant.audio.live_desk import LiveDesk
    from assistant.errors import AudioError
    from assistant.messages import Frame

    desk = LiveDesk(config.devices, PortAudio())

    async def hear(frame: Frame) -> bool:
        trial.hear(frame)
        return False

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(desk.run, hear, trial.pull, TEST_RATE_HZ)
        if sys.stdout.isatty() and not as_json:
            tasks.start_soon(_meter, desk, trial)
        await anyio.sleep(seconds)
        tasks.cancel_scope.cancel()
    if desk.status.problem:
        raise AudioError(desk.status.problem)
    return dataclasses.asdict(desk.status) | {"peak_db": round(trial.peak_db, 1)}


async def _meter(desk: LiveDesk, trial: DeviceTest) -> None:
    import anyio
    from rich.live import Live
    from rich.text import Text

    with Live(auto_refresh=False, transient=True) as live:
        while True:
            bar = "█" * round(max(trial.level_db + 70, 0) / 2)
            text = desk.status.problem or f"{desk.status.microphone}  {trial.level_db:6.1f} dB  {bar}"
            live.update(Text(text), refresh=True)
            await anyio.sleep(1 / _FPS)


def _round_trip(trips_ms: list[float]) -> dict[str, Any]:
    from statistics import median

    if not trips_ms:
        return {"clicks_heard": 0}
    return {
        "clicks_heard": len(trips_ms),
        "round_trip_ms": round(median(trips_ms)),
        "round_trip_range_ms": [round(min(trips_ms)), round(max(trips_ms))],
    }


def _facts(system: PortAudio, device: Device) -> dict[str, Any]:
    from assistant.audio.session import can_be_heard

    kinds: tuple[Kind, Kind] = ("microphone", "loudspeaker")
    rates_hz = {kind: system.rates_hz(device, kind) for kind in kinds if device.channels(kind)}
    usable = {kind: rates for kind, rates in rates_hz.items() if rates}
    kind = "loudspeakers" if can_be_heard(system, device) else "headphones"
    return {
        "number": device.index,
        "name": device.name,
        "default": [kind for kind in usable if device.is_default(kind)],
        "kind": kind if "loudspeaker" in usable else None,
        "default_rate_hz": device.rate_hz,
        "rates_hz": usable,
    }


def _show(found: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for title in ("", "name", "microphone", "loudspeaker"):
        table.add_column(title)
    for facts in found:
        cells = [_cell(facts, use) for use in ("microphone", "loudspeaker")]
        table.add_row(str(facts["number"]), facts["name"], *cells)
    Console(highlight=False).print(table)


def _cell(facts: dict[str, Any], use: str) -> str:
    if use not in facts["rates_hz"]:
        return ""
    rates = "/".join(f"{rate / 1000:g}" for rate in facts["rates_hz"][use]) + " kHz"
    kind = f"{facts['kind']}, " if use == "loudspeaker" else ""
    return f"{'* ' if use in facts['default'] else ''}{kind}{rates}"

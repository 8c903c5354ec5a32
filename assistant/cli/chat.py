"""`assistant chat`: a typed talk with the language model, streamed."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import typer

from assistant.cli.options import ConfigFile, Json, Profile, Settings

if TYPE_CHECKING:
    from assistant.config import Config


def chat(profile: Profile = None, config: ConfigFile = None, set_: Settings = None, as_json: Json = False) -> None:
    """Talk by typing: one line a turn, end with Ctrl-D."""
    import anyio

    from assistant.config import load

    anyio.run(_chat, load(profile, config, settings=set_ or ()), as_json)


async def _chat(config: Config, as_json: bool) -> None:
    from anyio import to_thread

    from assistant.app import load_chat
    from assistant.clock import TalkClock
    from assistant.history import History
    from assistant.messages import Priority
    from assistant.models.memory import give_back
    from assistant.models.runtime import MlxThread

    thread = MlxThread(give_back, config.memory.clear_after_s)
    try:
        model = await thread.call(lambda: load_chat(config))
        clock = TalkClock()
        history = History(config.chat.system_prompt, clock)
        interactive = sys.stdin.isatty() and not as_json
        while line := await to_thread.run_sync(_read_line, interactive, abandon_on_cancel=True):
            asked_s, first_s, reply = clock.time_s(), None, ""
            history.add_user(line)
            async with thread.run(model.reply(history.messages()), lambda: Priority.TOKEN) as pieces:
                async for piece in pieces:
                    first_s = clock.time_s() - asked_s if first_s is None else first_s
                    reply += piece.text
                    if not as_json:
                        typer.echo(piece.text, nl=False)
            history.add_assistant(reply)
            facts = {"user": line, "reply": reply, "first_token_ms": round(1000 * (first_s or 0))}
            typer.echo(json.dumps(facts, ensure_ascii=False) if as_json else "")
    finally:
        thread.close()


def _read_line(interactive: bool) -> str:
    """The next line that says something; empty at the end of the input."""
    while True:
        if interactive:
            typer.echo("> ", nl=False)
        line = sys.stdin.readline()
        if not line or line.strip():
            return line.strip()

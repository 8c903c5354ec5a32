"""Turns of a peer, made by hand."""

from __future__ import annotations

from assistant.bench.peer import PEER_PARTS, PeerTurn


def peer_turns(recording: str, *latencies_ms: int) -> list[PeerTurn]:
    """Runs that took so long, 600 ms of it for the end of the turn and 100 ms for its words."""
    parts_ms = [(600, 100, 200, ms - 1200, 300) for ms in latencies_ms]
    return [
        PeerTurn(recording, run, dict(zip(PEER_PARTS, ms, strict=True)), "what", "It is nine.", 1.5, ())
        for run, ms in enumerate(parts_ms)
    ]

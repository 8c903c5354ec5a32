"""What MLX may hold, and when it gives back what it does not need."""

from __future__ import annotations

from assistant.config import Memory


def set_limits(config: Memory) -> None:
    """Bound what MLX allocates, keeps for its next arrays, and on Metal holds resident.

    Freed memory is kept for arrays of the same size. Fragments of speech have as many sizes as there are fragments,
    so without a bound it grows for as long as somebody talks. Wired memory stays through the breaks of a talk, as it
    does while mlx-lm generates: paging a model in again is slow. (macOS 15 and later; not yet seen on hardware.)
    """
    import mlx.core as mx

    mx.set_cache_limit(config.cache_mb << 20)
    if config.most_mb:
        mx.set_memory_limit(config.most_mb << 20)
    if mx.metal.is_available():
        most = int(mx.device_info()["max_recommended_working_set_size"])
        mx.set_wired_limit(min(config.wired_mb << 20, most) if config.wired_mb else most)


def give_back() -> None:
    """Return to the system what MLX keeps for its next arrays; they take longer then, so not between two tokens."""
    import mlx.core as mx

    mx.clear_cache()

"""MLX binds to its BLAS when it is first imported, so it is prepared before any test module is."""

from __future__ import annotations

from assistant.models.cpu import prepare

prepare(blas_threads=2)

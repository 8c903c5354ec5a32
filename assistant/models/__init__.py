"""Models: the store, and the wrappers that run them on MLX."""

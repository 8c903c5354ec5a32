"""Voice-to-voice latency of this machine, measured over recordings and split into parts that add up."""

"""The offline analyst: questions read by rules and statistics. Deterministic, no key, no network."""

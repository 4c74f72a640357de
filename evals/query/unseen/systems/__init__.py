"""One module per system: its generator, its truths, and the identifiers its questions name."""

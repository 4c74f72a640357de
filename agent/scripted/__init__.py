"""Models that play a script: the double of a real one, in process and over HTTP. Used by tests and evals."""

"""Benches: OnCalm beside a named peer in the same run. Timings never decide whether a test passes."""

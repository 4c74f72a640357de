"""Protocols, read from the first bytes of what passed: pure functions that never raise, whatever the bytes are.

Each parser makes records of :mod:`ebpf.calls`; making one redacts its text. What could not be read is named in the
record's ``unknown`` and never guessed.
"""

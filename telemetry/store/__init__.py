"""The record store: Parquet segments, a SQLite manifest that says which of them count, DuckDB over both.

A segment exists only when the manifest lists it: files are written whole, fsynced and renamed before the
one transaction that adds them together with the progress of their sources. Whatever a killed process left
behind is unlisted, and the next writer removes it. It must not interpret messages.
"""

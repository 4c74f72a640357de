"""The records beyond logs in one place: how they are written and read."""

from telemetry.store.record_reader import Exemplar, RecordReader
from telemetry.store.record_writer import RecordWriter
from telemetry.store.series import SeriesColumns
from telemetry.store.shelves import RecordKind

__all__ = ["Exemplar", "RecordKind", "RecordReader", "RecordWriter", "SeriesColumns"]

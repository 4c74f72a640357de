"""The recorded incident in a home: logs, spans, metrics and changes, read as users read them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.ingestion.importing import import_files
from api.wiring.investigation import Holdings
from api.wiring.product import Product
from samples import incident_folder, incident_records
from telemetry.store.beyond import RecordReader
from telemetry.store.reader import Reader


@pytest.fixture(scope="session")
def incident(tmp_path_factory: pytest.TempPathFactory) -> Product:
    """A product over the recorded incident."""
    product = Product(tmp_path_factory.mktemp("incident"))
    product.ingest([incident_folder()])
    product.index()
    import_files(product, [str(path) for path in incident_records()], None)
    return product


@pytest.fixture
def held(incident: Product) -> Iterator[Holdings]:
    """Its records, opened."""
    reader, records = Reader(incident.home), RecordReader(incident.home)
    yield Holdings(reader, records)
    reader.close()
    records.close()


@pytest.fixture(scope="session")
def truth() -> dict[str, str]:
    """What was done to the system, and when."""
    import json

    found: dict[str, str] = json.loads((Path(incident_folder()).parent / "truth.json").read_text())
    return found

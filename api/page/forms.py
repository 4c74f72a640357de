"""What a page's form says."""

from __future__ import annotations

from urllib.parse import parse_qs

from fastapi import Request

from telemetry.errors import UsageError

_LONGEST = 65_536


async def form_of(request: Request) -> dict[str, str]:
    """Its fields; of one that is given twice the last. Raises UsageError for one that is too large."""
    body = await request.body()
    if len(body) > _LONGEST:
        raise UsageError("the form is too large", where="form", remedy="write less")
    try:
        return {name: values[-1] for name, values in parse_qs(body.decode("utf-8", "replace"), max_num_fields=50).items()}
    except ValueError as error:
        raise UsageError("the form has too many fields", where="form", remedy="load the page again") from error

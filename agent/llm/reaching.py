"""Whether an endpoint answers: a look that costs nothing, for probes of health."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.llm.endpoint import Endpoint

if TYPE_CHECKING:
    from openai import AzureOpenAI, OpenAI

_NO_KEY = "none"


def reach(endpoint: Endpoint, seconds: float = 5.0) -> tuple[bool, str]:
    """Ask for the list of models: whether the endpoint answers and takes the key, and what was seen, without secrets.

    Servers that have no such list answer too, with 404.
    """
    import openai

    if not endpoint.usable:
        return False, "the base URL cannot be used"
    try:
        with _client(endpoint, seconds) as client:
            client.models.list()
    except openai.APIStatusError as error:
        return _told(endpoint, error.status_code)
    except openai.OpenAIError as error:
        return False, f"{endpoint.where} does not answer ({type(error).__name__})"
    except Exception as error:  # noqa: BLE001 - a reply that is none, a URL that cannot be asked: its words may hold a password
        return False, f"{endpoint.where} does not answer as it should ({type(error).__name__})"
    return True, f"{endpoint.where} answers"


def _told(endpoint: Endpoint, status: int) -> tuple[bool, str]:
    if status in {401, 403}:
        return False, f"{endpoint.where} refuses the key (HTTP {status})"
    if status >= 500 or status == 429:
        return False, f"{endpoint.where} is not able to answer (HTTP {status})"
    return True, f"{endpoint.where} answers (HTTP {status})"


def _client(to: Endpoint, seconds: float) -> OpenAI | AzureOpenAI:
    from openai import AzureOpenAI, OpenAI

    if to.azure_api_version is not None:
        return AzureOpenAI(azure_endpoint=to.url, api_version=to.azure_api_version, api_key=to.key or _NO_KEY, default_headers=dict(to.headers),
                           max_retries=0, timeout=seconds)
    return OpenAI(base_url=to.url, api_key=to.key or _NO_KEY, default_headers=dict(to.headers), max_retries=0, timeout=seconds)

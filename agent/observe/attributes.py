"""Names of attributes and metrics: OpenTelemetry's semantic conventions, and our own under ``oncalm.``.

The GenAI conventions are in development and their Python package keeps them under a private name, so the names are
written out here, as that package advises; a test compares them with the installed version.
"""

from __future__ import annotations

from typing import Final

GEN_AI_AGENT_NAME: Final = "gen_ai.agent.name"
GEN_AI_CONVERSATION_ID: Final = "gen_ai.conversation.id"
GEN_AI_INPUT_MESSAGES: Final = "gen_ai.input.messages"
GEN_AI_OPERATION_NAME: Final = "gen_ai.operation.name"
GEN_AI_OUTPUT_MESSAGES: Final = "gen_ai.output.messages"
GEN_AI_OUTPUT_TYPE: Final = "gen_ai.output.type"
GEN_AI_PROVIDER_NAME: Final = "gen_ai.provider.name"
GEN_AI_REQUEST_MAX_TOKENS: Final = "gen_ai.request.max_tokens"
GEN_AI_REQUEST_MODEL: Final = "gen_ai.request.model"
GEN_AI_REQUEST_STREAM: Final = "gen_ai.request.stream"
GEN_AI_REQUEST_TEMPERATURE: Final = "gen_ai.request.temperature"
GEN_AI_RESPONSE_FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
GEN_AI_RESPONSE_MODEL: Final = "gen_ai.response.model"
GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
GEN_AI_TOKEN_TYPE: Final = "gen_ai.token.type"  # noqa: S105 - a name, no secret
GEN_AI_TOOL_CALL_ARGUMENTS: Final = "gen_ai.tool.call.arguments"
GEN_AI_TOOL_CALL_ID: Final = "gen_ai.tool.call.id"
GEN_AI_TOOL_CALL_RESULT: Final = "gen_ai.tool.call.result"
GEN_AI_TOOL_NAME: Final = "gen_ai.tool.name"
GEN_AI_TOOL_TYPE: Final = "gen_ai.tool.type"
GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS: Final = "gen_ai.usage.cache_read.input_tokens"
GEN_AI_USAGE_INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
GEN_AI_USAGE_OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
GEN_AI_CLIENT_OPERATION_DURATION: Final = "gen_ai.client.operation.duration"
GEN_AI_CLIENT_TOKEN_USAGE: Final = "gen_ai.client.token.usage"  # noqa: S105 - the same
ERROR_TYPE: Final = "error.type"
SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"

INVOKE_AGENT: Final = "invoke_agent"
CHAT: Final = "chat"
EXECUTE_TOOL: Final = "execute_tool"

ANALYST: Final = "oncalm.analyst"
CACHE_HIT: Final = "oncalm.cache.hit"
CACHE_LAYER: Final = "oncalm.cache.layer"
COST: Final = "oncalm.cost_usd"
FALLBACK: Final = "oncalm.fallback"
NODE: Final = "oncalm.node"
OUTCOME: Final = "oncalm.outcome"
PATH: Final = "oncalm.path"
PROMPT_DIGEST: Final = "oncalm.digest."
QUESTION_ID: Final = "oncalm.question.id"
SAMPLING_PROBABILITY: Final = "oncalm.sampling.probability"
SAMPLING_REASON: Final = "oncalm.sampling.reason"
TOOL_STATUS: Final = "oncalm.tool.status"
TOOL_TOTAL: Final = "oncalm.tool.total"

PROVIDERS: Final = (
    (".openai.azure.com", "azure.ai.openai"), (".services.ai.azure.com", "azure.ai.inference"), ("api.openai.com", "openai"),
    ("api.anthropic.com", "anthropic"), ("api.mistral.ai", "mistral_ai"), ("api.deepseek.com", "deepseek"),
    ("api.groq.com", "groq"), ("api.x.ai", "x_ai"), ("api.perplexity.ai", "perplexity"), ("api.cohere.com", "cohere"),
    ("generativelanguage.googleapis.com", "gcp.gemini"), ("aiplatform.googleapis.com", "gcp.vertex_ai"),
)
"""Hosts by how they end. Any other endpoint speaks OpenAI's API, which the conventions then name ``openai``."""


def provider(host: str | None) -> str:
    """The ``gen_ai.provider.name`` of an endpoint."""
    return next((name for end, name in PROVIDERS if (host or "").endswith(end)), "openai")

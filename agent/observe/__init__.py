"""OnCalm's own telemetry, with opentelemetry-sdk: spans, metrics and logs of its runs."""

"""OnCalm's own telemetry, with opentelemetry-sdk: spans, metrics and logs of its runs.

It watches and never decides: nothing here changes a run, makes it wait, or ends it. Nothing is imported from the SDK
until an endpoint is configured.
"""

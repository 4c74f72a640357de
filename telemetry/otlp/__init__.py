"""OTLP/HTTP: bodies of ``/v1/logs``, ``/v1/traces`` and ``/v1/metrics`` made records, and the answers to them.

Written from the OpenTelemetry protocol specification 1.x (https://opentelemetry.io/docs/specs/otlp/) and the protocol's
definitions. Knows nothing of servers and stores. Secrets are masked here, before anything is kept.
"""

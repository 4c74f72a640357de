"""Probes of the kernel's own events: the classic causes of slowness and failure that no application logs.

Each kind counts and buckets everything in the kernel; samples come out under the budget. Readings are dataclasses that
say in sentences what they mean. Nothing here decides anything.
"""

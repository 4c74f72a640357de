"""What brings records into the store: log files, servers that are fetched from, files and Git, OTLP."""

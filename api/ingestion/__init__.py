"""What brings records into the store, log files aside: servers that are fetched from, files and Git, OTLP."""

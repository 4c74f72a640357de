"""The small real system behind the recorded incident: a module per process."""

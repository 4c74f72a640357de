"""The commands ``oncalm cluster …``."""

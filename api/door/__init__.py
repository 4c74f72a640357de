"""The door: who comes in, and what they may do. Every route names the role it needs."""

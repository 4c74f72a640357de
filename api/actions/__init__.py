"""Actions as people meet them: asked for, decided, carried out, verified and told of; their commands."""

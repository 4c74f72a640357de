"""What Alembic runs: the migrations on the connection that :mod:`agent.state_db.database` gives, in its transaction."""

from __future__ import annotations

from alembic import context

import agent.summaries.tables  # noqa: F401 - its tables join the metadata
from agent.state_db.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=False)
context.run_migrations()

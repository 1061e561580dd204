"""Alembic's entry: runs the revisions on the connection (and in the transaction) it is given.

To add one: write ``versions/v<number>_<what>.py`` with ``down_revision`` set to ``migrate.HEAD``,
change the models alike, and set ``HEAD``; the tests compare the two.
"""

from __future__ import annotations

from alembic import context

from gamecast.store.models import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
with context.begin_transaction():
    context.run_migrations()

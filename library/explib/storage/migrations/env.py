"""Alembic runs this inside the transaction that `schema.upgrade` opened; there is no offline mode."""

from alembic import context

from explib.storage.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
context.run_migrations()

"""What Alembic runs: the steps that are missing, on the connection that the store hands over
(or, from Alembic's own command, on ``sqlalchemy.url``)."""

from alembic import context
from sqlalchemy import Connection, create_engine

from asserts.service.tables import Base


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection, target_metadata=Base.metadata, render_as_batch=True
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    _migrate(given)
else:
    url = context.config.get_main_option("sqlalchemy.url")
    with create_engine(str(url)).begin() as own:
        _migrate(own)

"""How Alembic runs the migrations: `flask --app run db upgrade`, from any folder."""

from alembic import context
from flask import current_app

migrate = current_app.extensions["migrate"]
engine = migrate.db.engine
options = {"target_metadata": migrate.db.metadata, "compare_type": True, **migrate.configure_args}


def run() -> None:
    """Run them on the database of the application that runs."""
    with engine.connect() as connection:
        # SQLite alters a table by filling another and dropping the first; with foreign keys on, that would
        # delete every row that refers to it. The switch works only outside of a transaction.
        switch(connection, "OFF")
        try:
            context.configure(connection=connection, **options)
            with context.begin_transaction():
                context.run_migrations()
        finally:
            connection.rollback()
            switch(connection, "ON")


def switch(connection, state: str) -> None:
    """Turn the foreign keys of SQLite on or off, past SQLAlchemy, which would begin a transaction for it."""
    if engine.dialect.name == "sqlite":
        connection.connection.dbapi_connection.execute(f"PRAGMA foreign_keys = {state}")


def write() -> None:
    """Write them as SQL, for a database that somebody else migrates: `db upgrade --sql`."""
    context.configure(url=engine.url, literal_binds=True, **options)
    with context.begin_transaction():
        context.run_migrations()


write() if context.is_offline_mode() else run()

"""How Alembic runs the migrations: `flask --app wsgi db upgrade`, from any folder."""

from alembic import context
from flask import current_app

migrate = current_app.extensions["migrate"]
engine = migrate.db.engine
options = {"target_metadata": migrate.db.metadata, "compare_type": True, **migrate.configure_args}


def run() -> None:
    """Run them on the database of the application that runs."""
    with engine.connect() as connection:
        prepare(connection)
        # SQLite alters a table by filling another and dropping the first; with foreign keys on, that would
        # delete every row that refers to it. The switch works only outside of a transaction.
        switch(connection, "OFF")
        try:
            # Each migration for itself, so that none holds the locks of the one before: a request that
            # reads both tables would hold one, wait for the other, and be in a deadlock.
            context.configure(connection=connection, transaction_per_migration=True, **options)
            if is_newer():
                print("the database is newer than this version: nothing to do")  # noqa: T201
                return
            with context.begin_transaction():
                context.run_migrations()
        finally:
            connection.rollback()
            switch(connection, "ON")
            if engine.dialect.name == "postgresql":
                connection.invalidate()  # closed, with its lock and settings, and not kept for a request


def is_newer() -> bool:
    """Say whether a newer version has migrated the database: a step back begins with a migration too."""
    known = {script.revision for script in context.script.walk_revisions()}
    return not known.issuperset(context.get_context().get_current_heads())


def prepare(connection) -> None:
    """Let a migration take its time on PostgreSQL, and of several that start together one after the other.

    The second then finds that there is nothing left to do. The lock ends with the connection, which only the
    migration uses. For a table it waits two seconds at most: where a backup reads one, the migration would
    wait for the backup, and all requests for the migration. It then fails, changes nothing, and may be tried
    again.
    """
    if engine.dialect.name == "postgresql":
        connection.connection.dbapi_connection.patient = True
        for setting in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
            connection.exec_driver_sql(f"SET {setting} = 0")
        connection.exec_driver_sql("SELECT pg_advisory_lock(20263)")
        connection.exec_driver_sql("SET lock_timeout = '2s'")  # less than a request waits
        connection.commit()


def switch(connection, state: str) -> None:
    """Turn the foreign keys of SQLite on or off, past SQLAlchemy, which would begin a transaction for it."""
    if engine.dialect.name == "sqlite":
        connection.connection.dbapi_connection.execute(f"PRAGMA foreign_keys = {state}")


def write() -> None:
    """Write them as SQL, for a database that another person migrates: `db upgrade --sql`."""
    context.configure(url=engine.url, literal_binds=True, **options)
    with context.begin_transaction():
        context.run_migrations()


write() if context.is_offline_mode() else run()

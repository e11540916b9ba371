"""The extensions, made once and bound to no application: the factory does that. Chapter 2."""

from __future__ import annotations

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    """What all models inherit from. Every constraint has a name, so that a migration can find it again."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


# What was committed can be shown without asking the database again, and the values of a statement that failed
# (an e-mail, a hash) stay out of the log.
db = SQLAlchemy(
    metadata=Base.metadata,
    session_options={"expire_on_commit": False},
    engine_options={"hide_parameters": True},
)

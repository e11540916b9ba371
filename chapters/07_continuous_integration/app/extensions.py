"""The extensions, made once and bound to no application: the factory does that."""

from flask_jwt_extended import JWTManager
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    """What all models inherit from."""


db = SQLAlchemy(model_class=Base)
jwt = JWTManager()

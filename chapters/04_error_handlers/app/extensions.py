"""The extensions, made once. The factory connects them to each application that it makes."""

from flask_jwt_extended import JWTManager
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    """What all models inherit from."""


db = SQLAlchemy(model_class=Base)
jwt = JWTManager()

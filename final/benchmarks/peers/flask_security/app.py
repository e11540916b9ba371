"""Flask-Security, as its quick start has it, with Flask-SQLAlchemy, and with tokens instead of a cookie.

Such a token is good until the uniquifier of its account changes, for all devices; logging out does not.
"""

import os
import sys
import uuid

from flask import Flask, jsonify
from flask_security import (
    Security,
    SQLAlchemyUserDatastore,
    auth_token_required,
    current_user,
    hash_password,
)
from flask_security.models import fsqla_v3 as fsqla
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import insert

app = Flask(__name__)
app.config.update(
    SECRET_KEY="of a benchmark, and of nothing else",
    SECURITY_PASSWORD_SALT="of a benchmark, and of nothing else",
    SECURITY_PASSWORD_HASH="argon2",
    SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS={
        "argon2__rounds": 2,
        "argon2__memory_cost": 19456,
        "argon2__parallelism": 1,
    },
    SECURITY_TOKEN_MAX_AGE=600,
    SECURITY_RETURN_GENERIC_RESPONSES=True,
    SECURITY_EMAIL_VALIDATOR_ARGS={"check_deliverability": False},
    WTF_CSRF_CHECK_DEFAULT=False,
    SECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS=True,
    SQLALCHEMY_DATABASE_URI=os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://"),
    SQLALCHEMY_ENGINE_OPTIONS={"pool_pre_ping": True},
)
db = SQLAlchemy(app)
fsqla.FsModels.set_db_info(db)


class Role(db.Model, fsqla.FsRoleMixin):
    pass


class User(db.Model, fsqla.FsUserMixin):
    pass


security = Security(app, SQLAlchemyUserDatastore(db, User, Role))


@app.get("/health")
def health():
    return jsonify(status="ok")


@app.get("/me")
@auth_token_required
def me():
    return jsonify(id=current_user.id, email=current_user.email, active=current_user.active)


def seed(count: int, password: str) -> None:
    with app.app_context():
        db.create_all()
        hashed = hash_password(password)
        print(hashed)
        one = {"password": hashed, "active": True}
        rows = [
            one | {"email": f"user{number}@example.com", "fs_uniquifier": uuid.uuid4().hex}
            for number in range(count)
        ]
        db.session.execute(insert(User), rows)
        db.session.commit()


if __name__ == "__main__":
    seed(int(sys.argv[1]), sys.argv[2])

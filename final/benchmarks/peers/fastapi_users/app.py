"""fastapi-users, as its full example has it, with SQLAlchemy and bearer tokens.

The tokens are kept in the database, so that they can be revoked; with STRATEGY=jwt they are signed.
"""

import asyncio
import os
import sys
import uuid
from collections.abc import AsyncGenerator
from typing import Annotated

from fastapi import Depends, FastAPI
from fastapi_users import BaseUserManager, FastAPIUsers, UUIDIDMixin, schemas
from fastapi_users.authentication import AuthenticationBackend, BearerTransport, JWTStrategy
from fastapi_users.authentication.strategy.db import AccessTokenDatabase, DatabaseStrategy
from fastapi_users.db import SQLAlchemyBaseUserTableUUID, SQLAlchemyUserDatabase
from fastapi_users.password import PasswordHelper
from fastapi_users_db_sqlalchemy.access_token import (
    SQLAlchemyAccessTokenDatabase,
    SQLAlchemyBaseAccessTokenTableUUID,
)
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

URL = os.environ["DATABASE_URL"]
SECRET = "of a benchmark, and of nothing else"
HASHER = PasswordHash((Argon2Hasher(time_cost=2, memory_cost=19456, parallelism=1),))

engine = create_async_engine(
    URL.replace("sqlite://", "sqlite+aiosqlite://").replace("postgresql://", "postgresql+asyncpg://")
)
new_session = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    pass


class AccessToken(SQLAlchemyBaseAccessTokenTableUUID, Base):
    pass


async def get_session() -> AsyncGenerator[AsyncSession]:
    async with new_session() as session:
        yield session


Session = Annotated[AsyncSession, Depends(get_session)]


async def get_users(session: Session) -> AsyncGenerator[SQLAlchemyUserDatabase]:
    yield SQLAlchemyUserDatabase(session, User)


async def get_tokens(session: Session) -> AsyncGenerator[SQLAlchemyAccessTokenDatabase]:
    yield SQLAlchemyAccessTokenDatabase(session, AccessToken)


class UserManager(UUIDIDMixin, BaseUserManager[User, uuid.UUID]):
    reset_password_token_secret = SECRET
    verification_token_secret = SECRET


async def get_manager(
    users: Annotated[SQLAlchemyUserDatabase, Depends(get_users)],
) -> AsyncGenerator[UserManager]:
    yield UserManager(users, PasswordHelper(HASHER))


def stored(tokens: Annotated[AccessTokenDatabase[AccessToken], Depends(get_tokens)]) -> DatabaseStrategy:
    return DatabaseStrategy(tokens, lifetime_seconds=3600)


def signed() -> JWTStrategy:
    return JWTStrategy(secret=SECRET, lifetime_seconds=3600)


bearer = BearerTransport(tokenUrl="auth/login")
backend = AuthenticationBackend(
    name="bearer", transport=bearer, get_strategy=signed if os.environ.get("STRATEGY") == "jwt" else stored
)
fastapi_users = FastAPIUsers[User, uuid.UUID](get_manager, [backend])

app = FastAPI()
app.include_router(fastapi_users.get_auth_router(backend), prefix="/auth")
app.include_router(
    fastapi_users.get_users_router(schemas.BaseUser[uuid.UUID], schemas.BaseUserUpdate), prefix="/users"
)


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}


async def seed(count: int, password: str) -> None:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
        hashed = HASHER.hash(password)
        print(hashed)
        one = {"hashed_password": hashed, "is_active": True, "is_superuser": False, "is_verified": True}
        rows = [one | {"id": uuid.uuid4(), "email": f"user{number}@example.com"} for number in range(count)]
        await connection.execute(insert(User), rows)


if __name__ == "__main__":
    asyncio.run(seed(int(sys.argv[1]), sys.argv[2]))

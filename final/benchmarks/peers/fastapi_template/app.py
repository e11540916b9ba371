"""What the FastAPI full-stack template does: SQLModel, PyJWT, a session a request, `def` routes in threads.

It has neither refresh tokens nor a log-out: an access token is good for eight days.
"""

import os
import sys
import uuid
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from typing import Annotated

import jwt
from fastapi import Depends, FastAPI, HTTPException, status
from fastapi.security import OAuth2PasswordBearer, OAuth2PasswordRequestForm
from jwt.exceptions import InvalidTokenError
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from pwdlib.hashers.bcrypt import BcryptHasher
from pydantic import BaseModel, ValidationError
from sqlalchemy import insert
from sqlmodel import Field, Session, SQLModel, create_engine, select

SECRET_KEY = "of a benchmark, and of nothing else"
ALGORITHM = "HS256"
LIFETIME = timedelta(days=8)
HASHER = PasswordHash((Argon2Hasher(time_cost=2, memory_cost=19456, parallelism=1), BcryptHasher()))

engine = create_engine(os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://"))


class UserBase(SQLModel):
    email: str = Field(unique=True, index=True, max_length=255)
    is_active: bool = True
    is_superuser: bool = False
    full_name: str | None = Field(default=None, max_length=255)


class User(UserBase, table=True):
    id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True)
    hashed_password: str


class UserPublic(UserBase):
    id: uuid.UUID


class Token(SQLModel):
    access_token: str
    token_type: str = "bearer"


class TokenPayload(BaseModel):
    sub: str | None = None


def get_db() -> Generator[Session]:
    with Session(engine) as session:
        yield session


SessionDep = Annotated[Session, Depends(get_db)]
TokenDep = Annotated[str, Depends(OAuth2PasswordBearer(tokenUrl="/login/access-token"))]


def get_current_user(session: SessionDep, token: TokenDep) -> User:
    try:
        payload = TokenPayload(**jwt.decode(token, SECRET_KEY, algorithms=[ALGORITHM]))
        user_id = uuid.UUID(payload.sub)
    except (InvalidTokenError, ValidationError, ValueError, TypeError) as error:
        raise HTTPException(status.HTTP_403_FORBIDDEN, "Could not validate credentials") from error
    user = session.get(User, user_id)
    if not user:
        raise HTTPException(404, "User not found")
    if not user.is_active:
        raise HTTPException(400, "Inactive user")
    return user


app = FastAPI()


@app.post("/login/access-token")
def login(session: SessionDep, form: Annotated[OAuth2PasswordRequestForm, Depends()]) -> Token:
    user = session.exec(select(User).where(User.email == form.username)).first()
    proved, updated = HASHER.verify_and_update(form.password, user.hashed_password) if user else (False, None)
    if user is None or not proved:
        raise HTTPException(400, "Incorrect email or password")
    if updated:
        user.hashed_password = updated
        session.add(user)
        session.commit()
    claims = {"exp": datetime.now(UTC) + LIFETIME, "sub": str(user.id)}
    return Token(access_token=jwt.encode(claims, SECRET_KEY, algorithm=ALGORITHM))


@app.get("/users/me", response_model=UserPublic)
def me(user: Annotated[User, Depends(get_current_user)]) -> User:
    return user


@app.get("/utils/health-check/")
async def health() -> bool:
    return True


def seed(count: int, password: str) -> None:
    SQLModel.metadata.create_all(engine)
    hashed = HASHER.hash(password)
    print(hashed)
    one = {"hashed_password": hashed, "is_active": True, "is_superuser": False}
    rows = [one | {"id": uuid.uuid4(), "email": f"user{number}@example.com"} for number in range(count)]
    with engine.begin() as connection:
        connection.execute(insert(User), rows)


if __name__ == "__main__":
    seed(int(sys.argv[1]), sys.argv[2])

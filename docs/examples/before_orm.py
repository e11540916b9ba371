"""Before you begin: a table, a row and an object, in SQLAlchemy 2."""

from sqlalchemy import create_engine, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


class Base(DeclarativeBase):
    """Knows every table that is written as a class below it."""


class Account(Base):
    __tablename__ = "accounts"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)


engine = create_engine("sqlite://")  # a database in memory, gone when the program ends
Base.metadata.create_all(engine)


def use(session: Session) -> None:
    session.add(Account(email="mina@example.com"))
    session.commit()
    with_that_email = select(Account).where(Account.email == "mina@example.com")
    mina = session.scalars(with_that_email).one()
    print("a row as an object:", mina.id, mina.email)
    print(with_that_email)


def add_again(session: Session) -> None:
    session.add(Account(email="mina@example.com"))
    try:
        session.commit()
    except IntegrityError as error:
        session.rollback()
        print("refused:", error.orig)


with Session(engine) as session:
    use(session)
    add_again(session)

"""Runs nox with the tools that this machine has: it makes no environment and installs nothing."""

from __future__ import annotations

import nox
from nox.sessions import Session


def install_nothing(self: Session, *arguments: object, **options: object) -> None:
    """Stand in for `session.install`."""


if __name__ == "__main__":
    Session.install = Session.conda_install = install_nothing  # type: ignore[method-assign]
    nox.main()

"""Argon2 and nothing else: `python argon2_alone.py SECONDS` prints how many passwords a second it checks.

It is checked by the package that the environment has: argon2-cffi for the peers, PyNaCl for ours.
"""

import sys
import time
from collections.abc import Callable

PASSWORD = "correct horse battery staple"


def check() -> Callable[[], object]:
    """Return what checks the password once; the parameters are those of all contenders."""
    try:
        from argon2 import PasswordHasher
    except ImportError:
        from nacl.pwhash import argon2id

        password = PASSWORD.encode()
        hashed = argon2id.str(password, 2, 19456 * 1024)
        return lambda: argon2id.verify(hashed, password)
    hasher = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
    stored = hasher.hash(PASSWORD)
    return lambda: hasher.verify(stored, PASSWORD)


once, count, begun = check(), 0, time.perf_counter()
while time.perf_counter() - begun < float(sys.argv[1]):
    once()
    count += 1
print(count / (time.perf_counter() - begun))

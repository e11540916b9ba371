"""Argon2 and nothing else: `python argon2_alone.py SECONDS` prints how many passwords a second it checks."""

import sys
import time

from argon2 import PasswordHasher

hasher = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
stored = hasher.hash("correct horse battery staple")
count, begun = 0, time.perf_counter()
while time.perf_counter() - begun < float(sys.argv[1]):
    hasher.verify(stored, "correct horse battery staple")
    count += 1
print(count / (time.perf_counter() - begun))

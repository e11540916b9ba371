"""The fixtures of the final service: kit/service.py has them."""

from kit.service import *  # noqa: F403

"""View decorators: what happens around a view and is not its business. Practice 3.

Each works on a function, on a method, and on a whole view by `decorators = [...]`. Of those stacked on a
view the one on top runs first; in a list it is the last.
"""

from .access import role_required, token_required
from .bodies import json_required, validated
from .caching import cached
from .compression import compressed
from .rate_limits import rate_limited

__all__ = [
    "cached",
    "compressed",
    "json_required",
    "rate_limited",
    "role_required",
    "token_required",
    "validated",
]

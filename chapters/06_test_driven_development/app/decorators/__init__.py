"""View decorators: what many views need before or after their own work. Practice 3.

Each works on a function, on a method, and on a whole view by `decorators = [...]`. When several are stacked
on a view, the top one runs first; in a list, the last one does.
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

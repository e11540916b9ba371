"""A list that is answered page by page. Chapter 1: what two views share is a function, not a copy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flask import request, url_for

from ..parsing import read_page

#: How it is asked for, as the documentation says it.
PARAMS = {"limit": "items on a page, 1 to 100", "after": "as in `next`"}


def page(
    find: Callable[[str, int], Sequence[Any]], represent: Callable[[Any], dict[str, Any]]
) -> tuple[Any, int, dict[str, str]]:
    """Answer the page that this request asks for, and where the next one is.

    Args:
        find: returns so many items behind the one of this id.
        represent: returns what a client sees of an item; its `id` is among it.

    Raises:
        InvalidInput: there cannot be such a page.
    """
    after, limit = read_page()
    found = find(after, limit + 1)  # one more than asked for tells whether a page follows
    items = [represent(one) for one in found[:limit]]
    if len(found) <= limit:
        return {"items": items, "next": None}, 200, {}
    following = url_for(str(request.endpoint), after=items[-1]["id"], limit=limit)
    return {"items": items, "next": following}, 200, {"Link": f'<{following}>; rel="next"'}

"""A list that is answered page by page. Chapter 1: what two views share is a function, not a copy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flask import request, url_for

from ..models.columns import ID
from ..parsing import read_filters, read_page

#: How it is asked for, as the documentation says it.
PARAMS: dict[str, Any] = {
    "limit": {"description": "items on a page", "type": "integer", "minimum": 1, "maximum": 100},
    "after": {"description": "as in `next`", "pattern": ID},
}


def page(
    find: Callable[..., Sequence[Any]],
    represent: Callable[[Any], dict[str, Any]],
    **filters: Callable[[Any], str | None],
) -> tuple[Any, int, dict[str, str]]:
    """Answer the page that this request asks for, and where the next one is.

    Args:
        find: returns so many items behind the one of this id, "" for the first; and only those that the
            filters let through.
        represent: returns what a client sees of an item; its `id` is among it.
        filters: what may stand in the query besides, with the rule for it.

    Raises:
        InvalidInput: there cannot be such a page.
    """
    after, limit = read_page()
    given = read_filters(filters, besides=set(PARAMS))
    found = find(after, limit + 1, **given)  # one more than asked for tells whether a page follows
    items = [represent(one) for one in found[:limit]]
    if len(found) <= limit:
        return {"items": items, "next": None}, 200, {}
    following = url_for(str(request.endpoint), after=items[-1]["id"], limit=limit, **given)  # type: ignore[arg-type]
    return {"items": items, "next": following}, 200, {"Link": f'<{following}>; rel="next"'}

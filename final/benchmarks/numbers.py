"""The little arithmetic that the tables rest on."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from statistics import median
from typing import NamedTuple


class Spread(NamedTuple):
    """A number that was measured several times."""

    median: float
    low: float
    high: float


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest of ``values`` that ``share`` of them do not exceed: the nearest rank.

    Args:
        share: 0.99 for the 99th percentile.
    """
    if not values:
        raise ValueError("there is no percentile of nothing")
    return sorted(values)[max(ceil(share * len(values)), 1) - 1]


def spread(values: Sequence[float]) -> Spread:
    """Return the median of ``values``, and their extremes."""
    return Spread(median(values), min(values), max(values))


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """Return how many times ``theirs`` goes into ``ours``.

    Round by round, since what one round suffered from the machine both of it suffered; the rounds must be as
    many, in their order.
    """
    return spread([one / other for one, other in zip(ours, theirs, strict=True)])

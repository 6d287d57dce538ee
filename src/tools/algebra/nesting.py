"""Brackets in a text: how deep a place is, where they close, and what they hold together."""


def split_outside(text: str, separator: str) -> list[str]:
    """Split a text at a separator outside of brackets."""
    parts = []
    start = 0
    depth = 0
    for place, sign in enumerate(text):
        depth += _step(sign)
        if sign == separator and depth == 0:
            parts.append(text[start:place].strip())
            start = place + 1
    return [*parts, text[start:].strip()]


def measure_depth(text: str, end: int) -> int:
    """Return how many brackets are open at a place."""
    return sum(map(_step, text[:end]))


def find_end(text: str) -> int:
    """Return the place of the bracket that closes the first one; -1 if none does."""
    depth = 0
    for place, sign in enumerate(text):
        depth += _step(sign)
        if depth == 0:
            return place
    return -1


def _step(sign: str) -> int:
    return (sign in "([{") - (sign in ")]}")

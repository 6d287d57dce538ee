"""A real Postgres and a real Redis for tests, each with a corner of its own that goes with them."""

import getpass
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import psycopg
import pytest
import redis

DATABASE = os.environ.get("TEST_DATABASE_URL", f"postgresql://{getpass.getuser()}@127.0.0.1/test")
REDIS = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/0")
LEASE_SECONDS = 3
"""Short, yet longer than a busy machine lets a process wait."""


@contextmanager
def schema() -> Iterator[str]:
    """The address of an empty schema; skips where no Postgres answers."""
    name = f"concertino_{uuid.uuid4().hex[:12]}"
    try:
        connection = psycopg.connect(DATABASE, autocommit=True, connect_timeout=5)
    except psycopg.OperationalError as error:
        pytest.skip(f"no Postgres at {DATABASE}: {error}")
    with connection:
        connection.execute(f"create schema {name}".encode())
        search = quote(f"-csearch_path={name}")
        yield f"{DATABASE}?options={search}&application_name={name}"
        connection.execute(f"drop schema {name} cascade".encode())


@contextmanager
def prefix() -> Iterator[str]:
    """A beginning for names in Redis; skips where none answers."""
    name = f"concertino-{uuid.uuid4().hex[:12]}"
    with redis.Redis.from_url(REDIS) as client:
        try:
            client.ping()
        except redis.ConnectionError as error:
            pytest.skip(f"no Redis at {REDIS}: {error}")
        yield name
        for key in client.scan_iter(f"*{name}*"):
            client.delete(key)

"""The service, for what its workers do."""

from tests.service.conftest import client as client
from tests.service.conftest import live as live

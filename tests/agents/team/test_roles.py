"""The registry of roles."""

import re

import pytest
from concertino.agents.team import ensemble
from concertino.agents.team.roles import ROLES, describe_roles, register_role
from concertino.graphs.team import CHECKS
from concertino.language.text import HAN_CHARACTER

assert ensemble, "importing it has registered them"


@pytest.mark.parametrize("name", ROLES)
def test_a_role_is_described_in_both_languages_and_names_checks_that_exist(name: str) -> None:
    role = ROLES[name]
    for text in (role.title, role.description):
        assert set(text) == {"en", "zh"}
        assert HAN_CHARACTER.search(text["zh"])
        assert not HAN_CHARACTER.search(text["en"])
    assert re.fullmatch(r"[a-z_]+", name)
    assert set(role.checks) <= set(CHECKS)


def test_a_name_is_given_once() -> None:
    with pytest.raises(ValueError, match="already registered: writer"):
        register_role(ROLES["writer"])


def test_roles_are_plain_data() -> None:
    assert [row["name"] for row in describe_roles()] == list(ROLES)

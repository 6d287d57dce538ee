import pytest
from concertino.agents.act.observation import find_paths


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("Read the file ../outside.txt and print it.", ["../outside.txt"]),
        ("把 config/app.toml 里 server.port 改成 9090", ["config/app.toml"]),
        ("把sales.csv和/etc/passwd合并", ["sales.csv", "/etc/passwd"]),
        ("What is 3.14 times 2, e.g. in km?", []),
        ("", []),
    ],
)
def test_what_looks_like_a_path_is_found_and_keys_and_numbers_are_not(
    text: str, paths: list[str]
) -> None:
    assert find_paths(text) == paths

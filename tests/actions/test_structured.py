import io
import json
from pathlib import Path
from typing import Any

import pytest
import ruamel.yaml
from concertino.actions.catalogue import ACTIONS
from concertino.actions.errors import ActionError, InvalidCall, NotFound, TooLarge
from concertino.actions.spec import ActionContext, Outcome
from concertino.actions.structured.actions import FORMATS
from concertino.actions.structured.formats.keys import format_key, parse_key
from concertino.actions.workspace import Workspace
from hypothesis import given, settings
from hypothesis import strategies as st

JSON = """{
  "name": "端口",
  "server": {"port": 8080, "hosts": ["a", "b"]},
  "list": [
    {"id": 1},
    {"id": 2}
  ],
  "empty": {},
  "version": "1.0",
  "editor.fontSize": 12,
  "on": true
}
"""
YAML = """# Settings
name: '端口'   # the name
server:
    port: 8080  # the port

    hosts: [a, "b"]
list:
- id: 1   # first
  tags:
    - x
- id: 2
base: &base
    a: 1
derived:
    <<: *base
    b: 2
copy: *base
nothing:
version: "1.0"
on: true
text: |
    one
    two

last: 1.50   # end
"""
TOML = """# Settings
name = '端口'   # the name
on = true

[server]
port   =   8080   # the port
hosts = ["a", "b"]   # all
since = 2024-01-01

# The second
[server.more]
x = {y = 1}

[[list]]
id = 1
[[list]]
id = 2
"""
INI = """; Settings
top = 1
[server]
port = 8080 ; the port
host=a
hosts =
    a
    b
# The second
[a.b]
x: 1
"""
TEXTS = {"a.json": JSON, "a.yaml": YAML, "a.toml": TOML, "a.ini": INI}


def call(context: ActionContext, name: str, **params: Any) -> Outcome[Any]:
    action = ACTIONS[name]
    outcome = action.run(action.params(**params), context)
    assert isinstance(outcome, Outcome)
    return outcome


def edit(folder: Path, context: ActionContext, path: str, text: str, **params: Any) -> str:
    """Set a value of a text, or remove it where no value is given, and return the text."""
    (folder / path).write_bytes(text.encode())
    name = "value_set" if "value" in params else "value_remove"
    for change in call(context, name, path=path, **params).changes:
        context.workspace.apply(change)
    return (folder / path).read_bytes().decode()


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("server.port", ("server", "port")),
        ("a.b[0].c", ("a", "b", 0, "c")),
        ("/a/b/0", ("a", "b", "0")),
        ("/a~1b/c~0d", ("a/b", "c~d")),
        ("[1][2]", (1, 2)),
        ('a."b.c".d', ("a", "b.c", "d")),
        ("a['b.c']", ("a", "b.c")),
        ("$.端口", ("端口",)),
        ("", ()),
        (".", ()),
    ],
)
def test_a_path_to_a_value_is_written_in_any_common_way(written: str, key: tuple[Any]) -> None:
    assert parse_key(written) == key
    assert parse_key(format_key(key)) == key


@pytest.mark.parametrize("written", ["a..b", "a[", "a]", "[x]", "/a~2", "a[-1]"])
def test_what_is_no_path_to_a_value_is_told_how_to_write_it(written: str) -> None:
    with pytest.raises(InvalidCall, match=r"server\.port"):
        parse_key(written)


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        ("a.json", "server.port", 8080),
        ("a.json", "list[1].id", 2),
        ("a.json", "/list/1/id", 2),
        ("a.json", "list.1.id", 2),
        ("a.json", "editor.fontSize", 12),
        ("a.yaml", "server.hosts[1]", "b"),
        ("a.yaml", "derived.a", 1),
        ("a.yaml", "copy", {"a": 1}),
        ("a.yaml", "on", True),
        ("a.yaml", "version", "1.0"),
        ("a.toml", "server.more.x.y", 1),
        ("a.toml", "server.since", "2024-01-01"),
        ("a.toml", "list[0].id", 1),
        ("a.ini", "top", "1"),
        ("a.ini", "server.port", "8080"),
        ("a.ini", "server.hosts", "\na\nb"),
        ("a.ini", "a.b.x", "1"),
    ],
)
def test_a_value_is_got(
    folder: Path, context: ActionContext, path: str, key: str, value: Any
) -> None:
    (folder / path).write_text(TEXTS[path])
    assert call(context, "value_get", path=path, key=key).data.value == value


SETS = [
    ("a.json", "server.port", "9090", '"port": 8080', '"port": 9090'),
    ("a.json", "version", "2.0", '"version": "1.0"', '"version": "2.0"'),
    ("a.json", "name", "名字", '"端口"', '"名字"'),
    ("a.json", "on", "False", '"on": true', '"on": false'),
    ("a.json", "list[1].id", "[1]", '{"id": 2}', '{"id": [\n      1\n    ]}'),
    ("a.json", "server.tls", "true", '["a", "b"]}', '["a", "b"], "tls": true}'),
    ("a.json", "server.hosts[2]", "c", '["a", "b"]', '["a", "b", "c"]'),
    ("a.json", "/list/-", '{"id": 3}', '{"id": 2}\n', '{"id": 2},\n    {\n      "id": 3\n    }\n'),
    ("a.json", "empty.x", "1", '"empty": {}', '"empty": {\n    "x": 1\n  }'),
    ("a.json", "new.a", "x", "true\n}", 'true,\n  "new": {\n    "a": "x"\n  }\n}'),
    ("a.json", "editor.fontSize", "14", '"editor.fontSize": 12', '"editor.fontSize": 14'),
    ("a.yaml", "server.port", "9090", "port: 8080  #", "port: 9090  #"),
    ("a.yaml", "name", "it's", "'端口'   #", "'it''s'   #"),
    ("a.yaml", "version", "2.0", 'version: "1.0"', 'version: "2.0"'),
    ("a.yaml", "server.hosts[0]", "null", '[a, "b"]', '["null", "b"]'),
    ("a.yaml", "server.hosts[2]", "c: d", '[a, "b"]', '[a, "b", "c: d"]'),
    ("a.yaml", "server.tls", "true", '[a, "b"]\n', '[a, "b"]\n    tls: true\n'),
    ("a.yaml", "server.tls.cert", "x", '[a, "b"]\n', '[a, "b"]\n    tls:\n        cert: x\n'),
    ("a.yaml", "list[0].tags[1]", "y", "    - x\n", "    - x\n    - y\n"),
    ("a.yaml", "list[1].name", "n", "- id: 2\n", "- id: 2\n  name: n\n"),
    ("a.yaml", "list[2]", "3", "- id: 2\n", "- id: 2\n- 3\n"),
    ("a.yaml", "derived.a", "5", "    b: 2\n", "    b: 2\n    a: 5\n"),
    ("a.yaml", "base.c", "5", None, None),
    ("a.yaml", "copy", "5", "copy: *base", "copy: 5"),
    ("a.yaml", "nothing", "5", "nothing:\n", "nothing: 5\n"),
    ("a.yaml", "nothing.a.b", "5", "nothing:\n", "nothing:\n    a:\n        b: 5\n"),
    ("a.yaml", "list[0].tags", "[]", "tags:\n    - x\n", "tags: []\n"),
    ("a.yaml", "text", "one line", "|\n    one\n    two\n", "one line\n"),
    ("a.yaml", "last", "2.5", "1.50   #", "2.5   #"),
    ("a.yaml", "new", "yes: no", "# end\n", '# end\nnew: "yes: no"\n'),
    ("a.toml", "server.port", "9090", "=   8080   #", "=   9090   #"),
    ("a.toml", "name", "名字", "'端口'   #", "'名字'   #"),
    ("a.toml", "server.since", "2025-02-03", "2024-01-01", "2025-02-03"),
    ("a.toml", "server.hosts[1]", "c", '["a", "b"]', '["a", "c"]'),
    ("a.toml", "server.new", "1.5", "2024-01-01\n", "2024-01-01\nnew = 1.5\n"),
    ("a.toml", "top", "1", "on = true\n", "on = true\ntop = 1\n"),
    ("a.toml", "server.more.x.y", "2", "{y = 1}", "{y = 2}"),
    ("a.toml", "list[1].id", "3", "id = 2", "id = 3"),
    ("a.ini", "server.port", "9090", "8080 ;", "9090 ;"),
    ("a.ini", "server.host", "b = c", "host=a", "host=b = c"),
    ("a.ini", "server.hosts", "c", "hosts =\n    a\n    b\n", "hosts = c\n"),
    ("a.ini", "server.new", "x", "    b\n", "    b\nnew = x\n"),
    ("a.ini", "a.b.x", "2", "x: 1", "x: 2"),
    ("a.ini", "top", "2", "top = 1", "top = 2"),
    ("a.ini", "more.x", "1", "x: 1\n", "x: 1\n\n[more]\nx = 1\n"),
]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize(("path", "key", "value", "old", "new"), SETS)
def test_a_value_is_set_where_it_stands(
    folder: Path,
    context: ActionContext,
    path: str,
    key: str,
    value: str,
    old: str | None,
    new: str | None,
    newline: str,
) -> None:
    text = TEXTS[path].replace("\n", newline)
    if old is None or new is None:  # an alias to it would change as well
        with pytest.raises(InvalidCall, match="file_edit"):
            edit(folder, context, path, text, key=key, value=value)
        return
    assert TEXTS[path].count(old) == 1
    expected = TEXTS[path].replace(old, new).replace("\n", newline)
    assert edit(folder, context, path, text, key=key, value=value) == expected
    got = call(context, "value_get", path=path, key=key.replace("/-", "/2")).data.value
    assert str(got).casefold() == value.casefold() or got == json.loads(value)


REMOVALS = [
    ("a.json", "server.port", '"port": 8080, ', ""),
    ("a.json", "server.hosts[1]", ', "b"', ""),
    ("a.json", "on", ',\n  "on": true', ""),
    ("a.json", "list[0]", '{"id": 1},\n    ', ""),
    ("a.json", "list[0].id", '"id": 1', ""),
    ("a.yaml", "server.port", "    port: 8080  # the port\n", ""),
    ("a.yaml", "server.hosts[0]", 'a, "b"', '"b"'),
    ("a.yaml", "list[0].id", "id: 1   # first\n  tags", "tags"),
    ("a.yaml", "list[0].tags[0]", "- x", "[]"),
    ("a.yaml", "list[1]", "- id: 2\n", ""),
    ("a.yaml", "base.a", None, None),
    ("a.yaml", "derived.a", None, None),
    ("a.yaml", "derived.b", "    b: 2\n", ""),
    ("a.yaml", "copy", "copy: *base\n", ""),
    ("a.yaml", "nothing", "nothing:\n", ""),
    ("a.yaml", "last", "last: 1.50   # end\n", ""),
    ("a.toml", "server.port", "port   =   8080   # the port\n", ""),
    ("a.toml", "server.more", "[server.more]\nx = {y = 1}\n\n", ""),
    ("a.ini", "server.port", "port = 8080 ; the port\n", ""),
    ("a.ini", "server.hosts", "hosts =\n    a\n    b\n", ""),
    ("a.ini", "a.b.x", "x: 1\n", ""),
]


@pytest.mark.parametrize(("path", "key", "old", "new"), REMOVALS)
def test_a_value_is_removed_and_nothing_else(
    folder: Path, context: ActionContext, path: str, key: str, old: str | None, new: str
) -> None:
    text = TEXTS[path]
    if old is None:
        with pytest.raises(InvalidCall, match="file_edit"):
            edit(folder, context, path, text, key=key)
        return
    assert text.count(old) == 1
    assert edit(folder, context, path, text, key=key) == text.replace(old, new)


@pytest.mark.parametrize(
    ("text", "key", "value", "expected"),
    [
        ('{"a":1,"b":[1,2]}', "c", "x", '{"a":1,"b":[1,2],"c":"x"}'),
        (
            '{\n\t"a": {\n\t\t"b": 1\n\t}\n}',
            "a.c",
            "[]",
            '{\n\t"a": {\n\t\t"b": 1,\n\t\t"c": []\n\t}\n}',
        ),
        ('{\n    "a": 1\n}', "b", "2", '{\n    "a": 1,\n    "b": 2\n}'),
        ('{"a" : 1}', "b", "2", '{"a" : 1, "b" : 2}'),
        ('{"a": "\\u7aef"}', "a", "口", '{"a": "\\u53e3"}'),
        ('{"a": 1e5, "b": 0.10}', "a", "1", '{"a": 1, "b": 0.10}'),
        ("{}", "a.b", "1", '{"a": {"b": 1}}'),
        ("[]", "[0]", "1", "[1]"),
    ],
)
def test_json_keeps_its_style(
    folder: Path, context: ActionContext, text: str, key: str, value: str, expected: str
) -> None:
    assert edit(folder, context, "a.json", text, key=key, value=value) == expected


@pytest.mark.parametrize("path", ["a.yaml", "a.toml", "a.ini"])
def test_the_first_value_of_an_empty_file_is_set(
    folder: Path, context: ActionContext, path: str
) -> None:
    edit(folder, context, path, "# nothing yet\n", key="a.b", value="x y")
    assert call(context, "value_get", path=path, key="a").data.value == {"b": "x y"}
    assert (folder / path).read_text().startswith("# nothing yet\n")


@pytest.mark.parametrize(
    ("path", "key", "told"),
    [
        ("a.json", "server.prot", "server has no key prot. There is: port, hosts"),
        ("a.json", "list[5]", "list is a list of 2"),
        ("a.json", "name.x", "name is a single value"),
        ("a.yaml", "Server", "There is: server, "),
        ("a.toml", "nope", "name, on, server, list"),
        ("a.ini", "server.nope", "port, host, hosts"),
    ],
)
def test_a_value_that_is_not_there_is_told_with_the_keys_there_are(
    folder: Path, context: ActionContext, path: str, key: str, told: str
) -> None:
    (folder / path).write_text(TEXTS[path])
    for name in ("value_get", "value_remove"):
        with pytest.raises(NotFound) as failure:
            call(context, name, path=path, key=key)
        assert told in str(failure.value)


@pytest.mark.parametrize(
    ("path", "text", "key", "value"),
    [
        ("a.txt", "a = 1", "a", "2"),
        ("a.json", '{"a": 1', "a", "2"),
        ("a.json", "", "a", "2"),
        ("a.json", "[" * 100_000, "a", "2"),
        ("a.json", '{"a": 1}', "", "2"),
        ("a.json", '{"a": 1}', "a.b", "2"),
        ("a.json", '{"a": []}', "a[1]", "2"),
        ("a.yaml", "a: [1", "a", "2"),
        ("a.yaml", "a: 1\na: 2", "a", "2"),
        ("a.yaml", "a: 1\n---\na: 2", "a", "2"),
        ("a.toml", "a = ", "a", "2"),
        ("a.toml", "a = 1", "a", "null"),
        ("a.ini", "a = 1", "a", "one\ntwo"),
    ],
)
def test_what_cannot_be_set_is_refused_in_words(
    folder: Path, context: ActionContext, path: str, text: str, key: str, value: str
) -> None:
    with pytest.raises(InvalidCall):
        edit(folder, context, path, text, key=key, value=value)
    assert (folder / path).read_text() == text


def test_yaml_that_blows_itself_up_is_refused(folder: Path, context: ActionContext) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    (folder / "a.yaml").write_text("\n".join(lines))
    with pytest.raises(TooLarge):
        call(context, "value_get", path="a.yaml", key="a8")


def test_yaml_with_tags_of_an_application_is_edited(folder: Path, context: ActionContext) -> None:
    text = "a: !Ref x\nb: !!python/object:os.system {c: 1}\nd: 1\n"
    assert edit(folder, context, "a.yaml", text, key="d", value="2") == text.replace("d: 1", "d: 2")


NAMES = st.text("abc_é端 .-#:'\"", min_size=1, max_size=6).filter(lambda t: t.strip() == t)
LEAVES = st.none() | st.booleans() | st.integers(-99, 99) | st.text("ab é端\n#:'\"-", max_size=8)
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3)
)
TABLES = st.dictionaries(NAMES, TREES, min_size=1, max_size=4)


def list_keys(data: Any) -> list[tuple[str | int, ...]]:
    members: Any = data.items() if isinstance(data, dict) else enumerate(data)
    keys: list[tuple[str | int, ...]] = []
    for name, value in members:
        keys.append((name,))
        if isinstance(value, dict | list):
            keys += [(name, *rest) for rest in list_keys(value)]
    return keys


def write_pointer(key: tuple[str | int, ...]) -> str:
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in key)


def dump_yaml(data: Any) -> str:
    out = io.StringIO()
    ruamel.yaml.YAML().dump(data, out)
    return out.getvalue()


@pytest.mark.parametrize("path", ["a.json", "a.yaml"])
@settings(max_examples=60)
@given(data=TABLES, value=LEAVES, draw=st.data())
def test_what_is_set_is_got_and_all_other_values_stay(
    tmp_path_factory: pytest.TempPathFactory, path: str, data: Any, value: Any, draw: Any
) -> None:
    folder = tmp_path_factory.mktemp("work")
    context = ActionContext(Workspace(folder), "en")
    key = draw.draw(st.sampled_from(list_keys(data)))
    text = json.dumps(data, indent=2) if path == "a.json" else dump_yaml(data)
    written = value if isinstance(value, str) else json.dumps(value)
    try:
        edit(folder, context, path, text, key=write_pointer(key), value=written)
    except ActionError:  # it is refused rather than done wrong
        assert path == "a.yaml"
        assert (folder / path).read_text() == text
        return
    parent = data
    for part in key[:-1]:
        parent = parent[part]
    got = call(context, "value_get", path=path, key=write_pointer(key)).data.value
    assert got == value or str(got) == written or got == json.loads(written)
    parent[key[-1]] = got
    assert call(context, "value_get", path=path).data.value == data


def test_the_endings_of_data_are_known() -> None:
    assert {".json", ".yaml", ".yml", ".toml", ".ini"} <= FORMATS.keys()

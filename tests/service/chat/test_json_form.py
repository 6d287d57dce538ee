"""Which schemas a reply can be held to, and how it is."""

from typing import Any

import pytest
from concertino.service.chat.json_form import check_format
from concertino.service.chat.request import ResponseFormat
from concertino.service.problems import Refusal

NODE = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}


def form_of(schema: dict[str, Any]) -> Any:
    asked = {"type": "json_schema", "json_schema": {"name": "it", "schema": schema}}
    return check_format(ResponseFormat.model_validate(asked))


def obj(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array"},
        {"type": "odd"},
        obj(a={"$ref": "https://example.org/schema"}),
        obj(a={"$ref": "#/$defs/missing"}),
        obj(a={"type": "string", "pattern": "(a+)+$"}),
        obj(**{f"field_{n}": {"type": "string"} for n in range(2000)}),
    ],
)
def test_what_cannot_be_held_to_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(Refusal) as refused:
        form_of(schema)
    assert refused.value.param == "response_format.json_schema.schema"


def test_properties_and_values_may_bear_the_names_of_keywords() -> None:
    form = form_of(obj(pattern={"enum": [{"pattern": "a"}]}))
    assert form.parse('{"pattern": {"pattern": "a"}}')


def test_a_reply_is_validated() -> None:
    form = form_of({**NODE, "$defs": {"node": NODE}, "required": ["next"]})
    assert form.parse('```json\n{"next": {"next": {}}}\n```') == '{"next": {"next": {}}}'
    with pytest.raises(ValueError, match=r"\$\.next: 3"):
        form.parse('{"next": 3}')


def test_a_schema_that_never_ends_is_an_error_and_no_crash() -> None:
    form = form_of({"type": "object", "$ref": "#"})
    with pytest.raises(ValueError, match="without end"):
        form.parse("{}")


def test_plain_text_has_no_form() -> None:
    assert check_format(None) is None
    assert check_format(ResponseFormat(type="text")) is None

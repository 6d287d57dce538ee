"""Serialization of checkpoints: only contracts are instantiated from them, including contracts
that were renamed since."""

from typing import Any

import ormsgpack
from langgraph.checkpoint.serde.jsonplus import EXT_PYDANTIC_V2, JsonPlusSerializer

from ..state import Contract

Name = tuple[str, str]
"""A class: its module and its name in it."""

MOVED: dict[Name, Name] = {
    ("concertino.agents.lesson", "Exercise"): ("concertino.agents.lesson.contracts", "Exercise"),
    ("concertino.agents.lesson", "Lesson"): ("concertino.agents.lesson.contracts", "Lesson"),
    ("concertino.agents.lesson", "Tally"): ("concertino.agents.lesson.contracts", "Tally"),
    ("concertino.agents.story", "StoryBrief"): ("concertino.agents.story.contracts", "StoryBrief"),
    ("concertino.agents.story", "StoryPlan"): ("concertino.agents.story.contracts", "StoryPlan"),
}
"""Former names of contracts found in checkpoints, mapped to their current names.

A moved or renamed contract needs an entry if a state holds it directly. Inside another contract it
is stored as plain data.
"""


class ContractSerializer(JsonPlusSerializer):
    """LangGraph's serializer, which also reads checkpoints with former names of contracts."""

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        kind, packed = data
        if kind == "msgpack" and any(_head(old) in packed for old in MOVED):
            packed = _rename_all(packed)
        return super().loads_typed((kind, packed))


def serializer() -> JsonPlusSerializer:
    """Return a serializer that instantiates only the models of the state from checkpoints."""
    models = [(model.__module__, model.__name__) for model in Contract.__subclasses__()]
    return ContractSerializer(allowed_msgpack_modules=models)


def _head(name: Name) -> bytes:
    """Return a class name as encoded in a checkpoint."""
    return b"".join(map(ormsgpack.packb, name))


def _rename_all(packed: bytes) -> bytes:
    """Return the same packed value with current names of contracts."""
    return _pack(_unpack(packed))


def _rename(code: int, packed: bytes) -> ormsgpack.Ext:
    """Rename a packed object of a checkpoint and the objects in it."""
    content = _unpack(packed)
    if code == EXT_PYDANTIC_V2:
        module, name, *fields = content
        content = [*MOVED.get((module, name), (module, name)), *fields]
    return ormsgpack.Ext(code, _pack(content))


def _unpack(packed: bytes) -> Any:
    return ormsgpack.unpackb(packed, ext_hook=_rename, option=ormsgpack.OPT_NON_STR_KEYS)


def _pack(value: Any) -> bytes:
    return ormsgpack.packb(value, option=ormsgpack.OPT_NON_STR_KEYS)

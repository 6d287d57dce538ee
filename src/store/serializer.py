"""How checkpoints are written and read: only contracts are made from them, also those that had
another name when they were written."""

from typing import Any

import ormsgpack
from langgraph.checkpoint.serde.jsonplus import EXT_PYDANTIC_V2, JsonPlusSerializer

from ..state import Contract

Name = tuple[str, str]
"""A class: its module, and its name there."""

MOVED: dict[Name, Name] = {
    ("concertino.agents.lesson", "Exercise"): ("concertino.agents.lesson.contracts", "Exercise"),
    ("concertino.agents.lesson", "Lesson"): ("concertino.agents.lesson.contracts", "Lesson"),
    ("concertino.agents.lesson", "Tally"): ("concertino.agents.lesson.contracts", "Tally"),
    ("concertino.agents.story", "StoryBrief"): ("concertino.agents.story.contracts", "StoryBrief"),
    ("concertino.agents.story", "StoryPlan"): ("concertino.agents.story.contracts", "StoryPlan"),
}
"""The name that a checkpoint may have for a contract, and the one that the contract has now.

A contract that moves or is renamed needs a line where a state holds it by itself. Within another
contract it is stored as plain data.
"""


class ContractSerializer(JsonPlusSerializer):
    """LangGraph's serializer, for checkpoints that may have earlier names of contracts."""

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        kind, packed = data
        if kind == "msgpack" and any(_head(old) in packed for old in MOVED):
            packed = _rename_all(packed)
        return super().loads_typed((kind, packed))


def serializer() -> JsonPlusSerializer:
    """Checkpoints hold the models of the state, and no other class is made from them."""
    models = [(model.__module__, model.__name__) for model in Contract.__subclasses__()]
    return ContractSerializer(allowed_msgpack_modules=models)


def _head(name: Name) -> bytes:
    """How the name of a class looks inside of a checkpoint."""
    return b"".join(map(ormsgpack.packb, name))


def _rename_all(packed: bytes) -> bytes:
    """The same value, with the names that its contracts have now."""
    return _pack(_unpack(packed))


def _rename(code: int, packed: bytes) -> ormsgpack.Ext:
    """An object of a checkpoint and those inside of it, still packed."""
    content = _unpack(packed)
    if code == EXT_PYDANTIC_V2:
        module, name, *fields = content
        content = [*MOVED.get((module, name), (module, name)), *fields]
    return ormsgpack.Ext(code, _pack(content))


def _unpack(packed: bytes) -> Any:
    return ormsgpack.unpackb(packed, ext_hook=_rename, option=ormsgpack.OPT_NON_STR_KEYS)


def _pack(value: Any) -> bytes:
    return ormsgpack.packb(value, option=ormsgpack.OPT_NON_STR_KEYS)

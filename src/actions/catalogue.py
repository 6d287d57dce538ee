"""All actions by name. The planner's shortlist, the command, the docs and the schema over HTTP
follow from it."""

from typing import Any

from .spec import Action

ACTIONS: dict[str, Action[Any, Any]] = {}


def register(action: Action[Any, Any]) -> Action[Any, Any]:
    """Add an action.

    Raises:
        ValueError: the name is taken, or the parameters have more than five fields.
    """
    if action.name in ACTIONS:
        raise ValueError(f"already registered: {action.name}")
    if len(action.params.model_fields) > 5:
        raise ValueError(f"more than five parameters: {action.name}")
    ACTIONS[action.name] = action
    return action


def describe_actions() -> list[dict[str, Any]]:
    """Return all actions as plain data: name, description, effect, schemas, and why one cannot be
    used here, if so."""
    return [
        {
            "name": action.name,
            "description": dict(action.description),
            "effect": action.effect,
            "params": action.params.model_json_schema(),
            "data": action.data.model_json_schema(),
            "obstacle": action.find_obstacle(),
        }
        for action in ACTIONS.values()
    ]

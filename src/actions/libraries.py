"""Whether the libraries are there that an action needs."""

from collections.abc import Callable
from importlib.util import find_spec

from ..language.messages import say


def need(*modules: str) -> Callable[[], str | None]:
    """Return a check for an action's `find_obstacle`: what to install if a module is missing."""

    def find_obstacle() -> str | None:
        missing = [module for module in modules if not _is_installed(module)]
        return say("act.not_installed", reason=", ".join(missing)) if missing else None

    return find_obstacle


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # the package that it is in is missing
        return False

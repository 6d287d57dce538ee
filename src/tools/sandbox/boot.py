"""Starting a process of the sandbox: our own interpreter, with nothing of this one's state."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

# No user site, no current folder, no .pth files (they run code), no bytecode written.
_FLAGS = ("-s", "-P", "-S", "-B")

# This package's folders without its `__init__` files: importing those would import pydantic.
_BOOT = """\
import importlib, os, sys, types
for name in ("concertino", "concertino.tools", "concertino.tools.sandbox"):
    package = types.ModuleType(name)
    package.__path__ = [os.path.join(sys.argv[1], *name.split(".")[1:])]
    sys.modules[name] = package
sys.path += filter(None, sys.argv[3].split(os.pathsep))
importlib.import_module(sys.argv[2]).main(sys.argv[4:])
"""


def build_command(
    module: str, arguments: Sequence[str], *, libraries: Sequence[str] = ()
) -> list[str]:
    """Return the command that calls ``main(arguments)`` of a module of this package.

    Args:
        module: Its name.
        arguments: What `main` is called with.
        libraries: Folders to import from besides the standard library.
    """
    folder = str(Path(__file__).parents[2])
    name = f"{__package__}.{module}"
    paths = os.pathsep.join(libraries)
    return [sys.executable, *_FLAGS, "-c", _BOOT, folder, name, paths, *arguments]

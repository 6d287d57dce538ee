"""What an agent may do in the world: actions over files and tools, and who may do them.

The families are imported here, so that the catalogue is complete whichever module of this room is
imported first.
"""

# ruff: noqa: I001 - in the order in which the catalogue lists them
from .documents import actions as document_actions
from .files import actions as file_actions
from .python import actions as python_actions
from . import results
from .shell import actions as shell_actions
from .spreadsheets import actions as spreadsheet_actions
from .structured import actions as structured_actions
from .tables import actions as table_actions

__all__ = [
    "document_actions",
    "file_actions",
    "python_actions",
    "results",
    "shell_actions",
    "spreadsheet_actions",
    "structured_actions",
    "table_actions",
]

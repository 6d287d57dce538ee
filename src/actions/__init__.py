"""What an agent may do in the world: actions over files and tools, and who may do them.

The families are imported here, so that the catalogue is complete whichever module of this room is
imported first.
"""

from . import documents as documents
from . import files as files
from . import python as python
from . import results as results
from . import shell as shell
from . import spreadsheets as spreadsheets
from . import structured as structured
from . import tables as tables

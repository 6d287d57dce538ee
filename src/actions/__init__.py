"""What an agent may do in the world: actions over files and tools, and who may do them.

The families are imported here, so that the catalogue is complete whichever module of this room is
imported first.
"""

from . import files as files
from . import results as results
from . import shell as shell
from . import structured as structured

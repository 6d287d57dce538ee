"""The roles of a team, one file each.

They are imported here, so that they are registered in the same order whoever imports this first.
"""

from . import assistant as assistant
from . import calculator as calculator
from . import critic as critic
from . import page_reader as page_reader
from . import planner as planner
from . import programmer as programmer
from . import reasoner as reasoner
from . import retriever as retriever
from . import searcher as searcher
from . import tester as tester
from . import translator as translator
from . import writer as writer

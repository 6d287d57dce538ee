"""The outer graph, its rules, the registry, and one file for each workflow.

The workflows are imported here, so that they are registered in the same order whichever module of
this room is imported first.
"""

from . import act as act
from . import rag_qa as rag_qa
from . import search_qa_strict as search_qa_strict
from . import solve_math as solve_math
from . import summarize_url as summarize_url
from . import teach_explain as teach_explain
from . import team as team
from . import write_story as write_story

"""The topology `single`: one role does the task."""

from .assigning import Draft, read_asked
from .checks import check_text
from .contracts import TeamState


async def settle_alone(state: TeamState) -> Draft:
    """Check the role's text as far as a machine can."""
    part = state["contributions"][-1]
    if not part.text:
        return Draft("", [], [])
    own = [*part.checks]
    if not own:
        own = await check_text(part.text, read_asked(state), state["language"])
    return Draft(part.text, own, part.sources, part.cut_off)

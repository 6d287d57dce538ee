"""The critic: the machine checks of a text, and nobody's opinion."""

from ..roles import Role, register_role

CRITIC = register_role(
    Role(
        name="critic",
        title={"en": "critic", "zh": "检查员"},
        description={
            "en": "checks every part by machine before it is used; no model judges another.",
            "zh": "每一部分在使用之前由程序检查；不由模型评判模型。",
        },
        method="checks",
        play=None,
        checks=(),
        answers=False,
    )
)

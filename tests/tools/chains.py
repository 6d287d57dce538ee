"""Generated chains of equalities, right ones and plainly wrong ones, in both languages."""

from fractions import Fraction

from hypothesis import strategies as st

CONVERSIONS = [
    (" hours", 60, " minutes"),
    (" km", 1000, " m"),
    (" kg", 1000, " g"),
    (" weeks", 7, " days"),
    (" dozen", 12, ""),
    (" boxes", 12, " pens"),
    ("元", 10, "角"),
    ("时", 60, "分"),
    ("小时", 60, "分钟"),
    ("米", 100, "厘米"),
    ("平方米", 10000, "平方厘米"),
    ("千克", 1000, "克"),
    ("天", 24, "小时"),
    ("箱", 12, "瓶"),
]
COMPOUNDS = [("小时", 60, "分"), ("元", 10, "角"), (" h ", 60, " min"), (" ft ", 12, " in")]
UNITS = ["", " apples", " cm", " hours", "元", "个", "厘米", "分钟", "千米"]
FRAMES = ["{}", "So {}.", "所以{}。", "Step 1: {}", "一共{}，", r"\( {} \)"]
numbers = st.integers(2, 99)
frames = st.sampled_from(FRAMES)


def mixed(value: Fraction, style: str) -> str:
    """Write a fraction as a mixed number."""
    whole, rest = divmod(value, 1)
    if not whole or not rest:
        return str(value)
    top, bottom = rest.numerator, rest.denominator
    latex = rf"{whole}\frac{{{top}}}{{{bottom}}}"
    return {"又": f"{whole}又{top}/{bottom}", " ": f"{whole} {top}/{bottom}"}.get(style, latex)


@st.composite
def conversions(draw: st.DrawFn, slip: int = 0) -> tuple[str, str]:
    """Draw `3 km = 3 × 1000 = 3000 m`, with a slip in the last number, and put right."""
    large, factor, small = draw(st.sampled_from(CONVERSIONS))
    count = draw(numbers)
    start = f"{count}{large} = {count} × {factor} = "
    right = count * factor
    return f"{start}{right + slip}{small}", f"{start}{right}{small}"


@st.composite
def mixed_products(draw: st.DrawFn, slip: int = 0) -> tuple[str, str]:
    value = draw(st.builds(Fraction, st.integers(4, 60), st.integers(2, 9)))
    style, times = draw(st.sampled_from(["又", " ", "latex"])), value.denominator
    start = f"{mixed(value, style)} × {times} = "
    return f"{start}{value * times + slip}", f"{start}{value * times}"


@st.composite
def mixed_sums(draw: st.DrawFn) -> str:
    fractions = st.builds(Fraction, st.integers(1, 60), st.integers(2, 9))
    one, other = draw(fractions), draw(fractions)
    style = draw(st.sampled_from(["又", " ", "latex"]))
    total = one + other
    return (
        f"{mixed(one, style)} + {mixed(other, style)} = "
        f"{total.numerator}/{total.denominator} = {mixed(total, style)}"
    )


@st.composite
def compound_sums(draw: st.DrawFn) -> str:
    large, factor, small = draw(st.sampled_from(COMPOUNDS))
    one, other = (draw(st.integers(factor + 1, 12 * factor - 1)) for _ in range(2))
    parts = [divmod(total, factor) for total in (one, other, one + other)]
    written = [f"{whole}{large}{rest}{small}" for whole, rest in parts]
    return f"{written[0]} + {written[1]} = {written[2]}"


@st.composite
def divisions_with_remainder(draw: st.DrawFn) -> str:
    divisor, quotient = draw(numbers), draw(numbers)
    rest = draw(st.integers(1, divisor - 1))
    sign = draw(st.sampled_from(["余", "……", " R ", " remainder ", ", remainder "]))
    return f"{divisor * quotient + rest} ÷ {divisor} = {quotient}{sign}{rest}"


@st.composite
def running_totals(draw: st.DrawFn) -> str:
    one, other, factor, unit = draw(numbers), draw(numbers), draw(numbers), draw(units)
    total = one + other
    return f"{one} + {other} = {total} × {factor} = {total * factor}{unit}"


@st.composite
def quotients(draw: st.DrawFn) -> str:
    top, bottom = draw(st.integers(1, 500)), draw(numbers)
    percent = draw(st.booleans())
    places = draw(st.integers(2, 5))
    rounded = f"{top / bottom * 100:.{places}f}%" if percent else f"{top / bottom:.{places}f}"
    return f"{top}/{bottom} = {rounded}"


units = st.sampled_from(UNITS)


@st.composite
def plain_slips(draw: st.DrawFn) -> tuple[str, str]:
    """Draw `12 cm × 4 = 49 cm`, and put right."""
    one, other, unit, sign = draw(numbers), draw(numbers), draw(units), draw(st.sampled_from("+-×"))
    right = {"+": one + other, "-": one - other, "×": one * other}[sign]
    slip = draw(slips(right))
    second = "" if sign == "×" else unit
    start = f"{one}{unit} {sign} {other}{second} = "
    return f"{start}{right + slip}{unit}", f"{start}{right}{unit}"


def slips(right: int) -> st.SearchStrategy[int]:
    """Amounts by which a result is wrong and still positive."""
    return st.integers(-min(20, abs(right)), 20).filter(lambda slip: slip and right + slip > 0)


@st.composite
def right_chains(draw: st.DrawFn) -> str:
    pairs = st.one_of(conversions(), mixed_products()).map(lambda pair: pair[1])
    chain = draw(
        st.one_of(
            pairs,
            mixed_sums(),
            compound_sums(),
            divisions_with_remainder(),
            running_totals(),
            quotients(),
        )
    )
    return draw(frames).format(chain)


@st.composite
def wrong_chains(draw: st.DrawFn) -> tuple[str, str]:
    """Draw a wrong chain, and how it is put right."""
    slip = draw(st.integers(1, 3))
    found = st.one_of(plain_slips(), conversions(slip), mixed_products(slip))
    wrong, right = draw(found)
    frame = draw(frames)
    return frame.format(wrong), frame.format(right)

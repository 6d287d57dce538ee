"""Generated answers: a strategy for each type, in both languages, and forms that differ from them.

An answer is a pair of texts: one way to write it, and another answer of the same type.
"""

from fractions import Fraction

from hypothesis import strategies as st

Pair = tuple[str, str]
"""An answer, and a changed one: another digit, sign, unit or order."""

SMALL = st.integers(1, 60)


def build_numbers() -> st.SearchStrategy[Pair]:
    """Return whole numbers, fractions and decimals, with a changed digit or sign."""
    whole = st.integers(-(10**6), 10**6).flatmap(
        lambda n: st.sampled_from([(f"{n}", f"{n + 1}"), (f"{n:,}", f"{n + 10:,}")])
    )
    fraction = st.builds(Fraction, st.integers(-99, 99), st.integers(2, 30)).map(
        lambda f: (f"{f.numerator}/{f.denominator}", f"{f.numerator + 1}/{f.denominator}")
    )
    decimal = st.builds(
        lambda whole, digits, last: (f"{whole}.{digits}{last}", f"{whole}.{digits}{last + 1}"),
        st.integers(0, 999),
        st.sampled_from(["", "0", "4", "27", "905"]),
        st.integers(1, 8),
    )
    sign = SMALL.map(lambda n: (f"{n}", f"-{n}"))
    root = st.builds(
        lambda n, m: (f"{n}*sqrt(2)", f"{n}*sqrt({m})"), SMALL, st.sampled_from([3, 5])
    )
    return st.one_of(whole, fraction, decimal, sign, root)


def build_percentages() -> st.SearchStrategy[Pair]:
    return SMALL.flatmap(
        lambda n: st.sampled_from(
            [(f"{n}%", f"{n + 1}%"), (f"百分之{n}", f"百分之{n + 1}"), (f"{n}.5%", f"{n}.6%")]
        )
    )


def build_mixed_numbers() -> st.SearchStrategy[Pair]:
    return st.builds(
        lambda n, top: (f"{n}又{top}/7", f"{n}又{top + 1}/7"), SMALL, st.integers(1, 5)
    )


def build_ratios() -> st.SearchStrategy[Pair]:
    return st.builds(
        lambda a, step, sign: (f"{a}{sign}{a + step}", f"{a + step}{sign}{a}"),
        st.integers(60, 99),
        SMALL,
        st.sampled_from([":", "∶"]),
    )


def build_durations() -> st.SearchStrategy[Pair]:
    return st.builds(
        lambda h, m, form: (form.format(h, m), form.format(h, m + 1)),
        st.integers(1, 23),
        st.integers(1, 58),
        st.sampled_from(["{}小时{}分", "{}小时{}分钟", "{} h {} min", "{} hours {} minutes"]),
    )


def build_money() -> st.SearchStrategy[Pair]:
    yuan = st.builds(lambda a, b: (f"{a}元{b}角", f"{a}元{b + 1}角"), SMALL, st.integers(1, 8))
    dollars = SMALL.flatmap(
        lambda n: st.sampled_from(
            [
                (f"${n}", f"${n + 1}"),
                (f"{n}元", f"{n}角"),
                (f"${n}", f"€{n}"),
                (f"{n}美元", f"{n}元"),
            ]
        )
    )
    return st.one_of(yuan, dollars)


def build_measures() -> st.SearchStrategy[Pair]:
    """Return numbers with a unit, with another number or another unit."""
    units = [
        ("{} km", "{} m"),
        ("{}千米", "{}米"),
        ("{} cm²", "{} cm"),
        ("{}平方厘米", "{}平方米"),
        ("{} kg", "{} km"),
        ("{}斤", "{}千克"),
        ("{} km/h", "{} m/s"),
        ("{}亩", "{}公顷"),
        ("{}里", "{}米"),
        ("{} L", "{} mL"),
        ("{}°", "{}°C"),
    ]
    changed = [
        ("{} km", "{} km"),
        ("{}米", "{}米"),
        ("{} cm²", "{} cm²"),
        ("{}元/千克", "{}元/千克"),
    ]
    other_unit = st.builds(
        lambda n, unit: (unit[0].format(n), unit[1].format(n)), SMALL, st.sampled_from(units)
    )
    other_number = st.builds(
        lambda n, unit: (unit[0].format(n), unit[1].format(n + 1)), SMALL, st.sampled_from(changed)
    )
    return st.one_of(other_unit, other_number)


def build_counts() -> st.SearchStrategy[Pair]:
    nouns = [
        ("{} chickens", "{} rabbits"),
        ("{}只鸡", "{}只兔"),
        ("{} apples", "{} pears"),
        ("{}人", "{}本"),
    ]
    return st.builds(
        lambda n, noun: (noun[0].format(n), noun[1].format(n)), SMALL, st.sampled_from(nouns)
    )


def build_remainders() -> st.SearchStrategy[Pair]:
    return st.builds(
        lambda q, r, form: (form.format(q, r), form.format(q, r + 1)),
        SMALL,
        st.integers(0, 8),
        st.sampled_from(["{}余{}", "{} remainder {}", "{} r {}", "商{}余{}", "{}……{}"]),
    )


def build_dates() -> st.SearchStrategy[Pair]:
    return st.builds(
        lambda y, m, d, form: (form.format(y, m, d), form.format(y, m, d + 1)),
        st.integers(1900, 2099),
        st.integers(1, 12),
        st.integers(1, 27),
        st.sampled_from(["{}-{:02}-{:02}", "{}年{}月{}日"]),
    )


def build_times() -> st.SearchStrategy[Pair]:
    return st.builds(
        lambda h, m: (f"{h}:{m:02} pm", f"{h}:{m:02} am"), st.integers(1, 11), st.integers(0, 59)
    )


def build_coordinates() -> st.SearchStrategy[Pair]:
    """Return ordered values, which differ in another order."""
    pair = st.builds(lambda a, step: (f"({a}, {a + step})", f"({a + step}, {a})"), SMALL, SMALL)
    triple = st.builds(
        lambda a, b, step: (f"({a}, {b}, {b + step})", f"({a}, {b + step}, {b})"),
        SMALL,
        SMALL,
        SMALL,
    )
    return st.one_of(pair, triple)


def build_collections() -> st.SearchStrategy[Pair]:
    numbers = st.lists(st.integers(-50, 50), min_size=2, max_size=4, unique=True)
    return numbers.flatmap(
        lambda n: st.sampled_from(
            [
                (join(n, ", ", "{{{}}}"), join([*n[1:], n[0] + 200], ", ", "{{{}}}")),
                (join(n, " and "), join([*n, 200], " and ")),
                (join(n, "或"), join([*n[1:], 200], "或")),
            ]
        )
    )


def join(numbers: list[int], separator: str, frame: str = "{}") -> str:
    """Return numbers as text, one after another."""
    return frame.format(separator.join(map(str, numbers)))


def build_intervals() -> st.SearchStrategy[Pair]:
    return st.builds(
        lambda a, step, forms: (forms[0].format(a, a + step), forms[1].format(a, a + step)),
        SMALL,
        SMALL,
        st.sampled_from(
            [
                ("[{}, {})", "({}, {}]"),
                ("x > {}", "x >= {}"),
                ("x > {}", "x < {}"),
                ("{} < x <= {}", "{} <= x < {}"),
                ("x < {} or x > {}", "x <= {} or x > {}"),
                ("x<{}或x>{}", "x>{}且x<{}"),
                (r"(-\infty, {}]", r"(-\infty, {})"),
            ]
        ),
    )


def build_equations() -> st.SearchStrategy[Pair]:
    return st.builds(
        lambda a, b, forms: (forms[0].format(a, b), forms[1].format(a, b)),
        st.integers(2, 9),
        SMALL,
        st.sampled_from(
            [
                ("{}x - y = {}", "{}x + y = {}"),
                ("Eq({}*x - y - {}, 0)", "Eq({}*x - y + {}, 0)"),
                ("{}x + 3y = {}", "{}x + 4y = {}"),
                ("x^2 + {}y^2 = {}", "x^2 - {}y^2 = {}"),
            ]
        ),
    )


def build_expressions() -> st.SearchStrategy[Pair]:
    return st.builds(
        lambda a, b, forms: (forms[0].format(a, b), forms[1].format(a, b)),
        st.integers(2, 9),
        SMALL,
        st.sampled_from(
            [
                ("{}xy + {}", "{}xy - {}"),
                ("{}x^2 + {}", "{}x^3 + {}"),
                (r"\frac{{x}}{{{}}} + {}", r"\frac{{y}}{{{}}} + {}"),
                ("{}(a + {})", "{}a + {}"),
            ]
        ),
    )


def build_matrices() -> st.SearchStrategy[Pair]:
    cells = st.lists(st.integers(-20, 20), min_size=4, max_size=4)
    return cells.map(
        lambda c: (
            f"[[{c[0]}, {c[1]}], [{c[2]}, {c[3]}]]",
            rf"\begin{{pmatrix}}{c[0]} & {c[1]} \\ {c[2]} & {c[3] + 1}\end{{pmatrix}}",
        )
    )


def build_named_values() -> st.SearchStrategy[Pair]:
    return st.builds(
        lambda a, step, forms: (forms[0].format(a, a + step), forms[1].format(a + step, a)),
        SMALL,
        SMALL,
        st.sampled_from(
            [
                ("x = {}, y = {}", "x = {}, y = {}"),
                ("{{'chickens': {}, 'rabbits': {}}}", "{{'chickens': {}, 'rabbits': {}}}"),
                ("{} chickens and {} rabbits", "{} chickens and {} rabbits"),
            ]
        ),
    )


def build_texts() -> st.SearchStrategy[Pair]:
    words = [
        "hello there",
        "I do not know",
        "没有正根",
        "小明",
        "Tom",
        "星期三",
        "Tuesday",
        "甲队先完成",
    ]
    return st.permutations(words).map(lambda order: (order[0], order[1]))


def build_truths() -> st.SearchStrategy[Pair]:
    return st.sampled_from([("yes", "no"), ("是", "不是"), ("true", "否"), ("正确", "false")])


BY_TYPE = {
    "number": build_numbers(),
    "percentage": build_percentages(),
    "mixed number": build_mixed_numbers(),
    "ratio": build_ratios(),
    "duration": build_durations(),
    "money": build_money(),
    "measure": build_measures(),
    "count": build_counts(),
    "remainder": build_remainders(),
    "date": build_dates(),
    "time": build_times(),
    "coordinate": build_coordinates(),
    "collection": build_collections(),
    "interval": build_intervals(),
    "equation": build_equations(),
    "expression": build_expressions(),
    "matrix": build_matrices(),
    "named values": build_named_values(),
    "text": build_texts(),
    "truth": build_truths(),
}
"""A strategy for each type of answer."""

SAME = {
    "number": ["1/2", "0.5", "50%", "2/4", r"\frac{1}{2}", "二分之一", "½", "1", "-1/2"],
    "mixed number": ["7/3", "2又1/3", "2 1/3", r"2\frac{1}{3}", "二又三分之一", "7/4"],
    "ratio": ["3:2", "6:4", "3∶2", "2:3", "9:6"],
    "duration": ["3小时25分", "205分钟", "3 h 25 min", "205 min", "12300 s", "3小时55分", "3"],
    "money": ["5元3角", "5.3元", "53角", "5元8角", "$5.30", "5.3"],
    "length": ["15 km", "15千米", "15000 m", "30里", "15", "15 kg", "15公里"],
    "area": ["162 cm²", "162平方厘米", "162 cm^2", "16200 mm²", "162 cm", "162"],
    "count": ["23 chickens", "23 chicken", "23", "23 rabbits", "23只鸡", "23 Chickens"],
    "remainder": ["3余2", "3 r 2", "3 remainder 2", "商3余2", "17/5", "3余1"],
    "date": ["2024-03-05", "March 5, 2024", "2024年3月5日", "5 March 2024", "2024-05-03"],
    "time": ["3:25 pm", "下午3点25分", "15点25分", "3:25 am", "3点25分"],
    "collection": ["{2, 3}", "3, 2", "2 and 3", "2或3", "[3, 2]", "{2, 4}", "{2, 3, 3}"],
    "coordinate": ["(2, 3)", "（2，3）", "(3, 2)", r"\left(2, 3\right)", "点(2, 3)", "(4/2, 3)"],
    "interval": ["x > 3", "(3, oo)", "Interval.open(3, oo)", "3 < x", "x >= 3", "x>3"],
    "equation": ["3x - y = 1", "6x - 2y = 2", "Eq(3*x - y - 1, 0)", "3x - y - 1 = 0", "3x + y = 1"],
    "expression": ["(x+1)^2", "x^2 + 2x + 1", "(1+x)(x+1)", "x^2 + 2x", "(y+1)^2", "(x+1)**2"],
    "matrix": ["[[1, 2], [3, 4]]", r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", "[[1, 2], [3, 5]]"],
    "named values": ["x=3, y=4", "y = 4, x = 3", "x=4, y=3", "(Eq(x, 3), Eq(y, 4))", "x=3，y=4"],
    "counts": [
        "23 chickens and 12 rabbits",
        "{'chickens': 23, 'rabbits': 12}",
        "{'rabbit': 12, 'chicken': 23}",
        "12 rabbits and 23 chickens",
        "23 chickens and 9 rabbits",
    ],
    "text": ["Monday", "星期一", "周一", "Tuesday", "没有正根", "Tom", "tom."],
    "truth": ["yes", "是", "true", "no", "不是", "false"],
    "none": ["无解", "no solution", "{}", "∅", r"\varnothing", "没有根", "0"],
}
"""Answers of a kind, most of them the same in another form: what is equal is equal in a circle."""

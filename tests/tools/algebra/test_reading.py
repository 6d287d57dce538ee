"""A written answer is read as one typed value, in both languages and in LaTeX; else it is text."""

import pytest
from concertino.tools.algebra.comparing import is_same_value
from concertino.tools.algebra.reading import read_value
from concertino.tools.algebra.showing import describe


def kind_of(text: str) -> str | None:
    return describe(read_value(text))["kind"]


def is_read_as(text: str, meant: str) -> bool:
    return is_same_value(read_value(text), read_value(meant), strict=True)


@pytest.mark.parametrize(
    ("text", "exact", "unit"),
    [
        ("15 km", "15", "km"),
        ("$1,200", "1200", "$"),
        ("360米", "360", "米"),
        ("6又3/7", "45/7", None),
        ("6 3/7", "45/7", None),
        ("50%", "50", "%"),
        ("-1/2", "-1/2", None),
        ("24.0", "24", None),
        ("2*sqrt(3)", "2*sqrt(3)", None),
        (r"2\sqrt{3}", "2*sqrt(3)", None),
        (r"\frac{45}{7} \text{ days}", "45/7", "days"),
        ("x > 3", "Interval.open(3, oo)", None),
        ("x < 2 or x > 3", "Union(Interval.open(-oo, 2), Interval.open(3, oo))", None),
        (r"(-\infty, 3]", "Interval(-oo, 3)", None),
        ("[1, 2)", "Interval.Ropen(1, 2)", None),
        ("(1, 2)", "(1, 2)", None),
        ("无解", "EmptySet", None),
        ("no real solutions", "EmptySet", None),
        ("x^2/2 + C", "C + x**2/2", None),
    ],
)
def test_written_answers_are_read(text: str, exact: str, unit: str | None) -> None:
    described = describe(read_value(text))
    assert (described["exact"], described["unit"]) == (exact, unit)


@pytest.mark.parametrize("text", ["x = 2 or x = 3", "x=2或x=3", "x = 2 or 3", "x = {2, 3}"])
def test_solutions_of_one_unknown_are_read_as_its_values(text: str) -> None:
    assert describe(read_value(text))["text"] == "x = {2, 3}"


@pytest.mark.parametrize(
    ("kind", "texts"),
    [
        ("number", ["7", "-1/2", "0.75", "2又1/3", "一百零五", r"\frac{3}{4}", "sqrt(2)"]),
        ("percentage", ["75%", "百分之七十五", r"75\%", "７５％"]),
        ("quantity", ["162 cm²", "60 km/h", "3小时25分", "5元3角", "$5", "23 chickens", "12只"]),
        ("expression", ["2xy+1", "x^2 + 1", "a^2 - b^2", r"\frac{x}{2}"]),
        ("ratio", ["3:2", "3∶2", "3：2：1", r"3\colon 2"]),
        ("remainder", ["3余2", "3 r 2", "3 remainder 2", "3……2", "商3余2"]),
        ("date", ["2024-03-05", "March 5, 2024", "5 March 2024", "2024年3月5日", "3月5日"]),
        ("time", ["3:25 pm", "下午3点25分", "8点", "15点30分", "7 o'clock"]),
        ("tuple", ["(1, 2)", "（1，2）", "(1, 2, 3)", r"\left(1, 2\right)"]),
        ("collection", ["{1, 2}", "1 and 2", "1, 2, 3", "1或2", r"\{1, 2\}"]),
        ("named", ["x=3, y=4", "{'chickens': 23, 'rabbits': 12}", "鸡23只，兔12只", "x = 5"]),
        (
            "set",
            [
                "x > 3",
                "[1, 2)",
                "2 < x ≤ 5",
                r"(-\infty, 3]",
                "无解",
                "x<2或x>3",
                "all real numbers",
            ],
        ),
        ("equation", ["Eq(3*x - y - 1, 0)", "3x - y = 1", "x^2 + y^2 = 25"]),
        ("matrix", ["[[1, 2], [3, 4]]", r"\begin{pmatrix}1 & 2\\3 & 4\end{pmatrix}"]),
        ("truth", ["yes", "No", "true", "是", "不是", "错误"]),
        ("text", ["hello there", "I do not know", "没有正根", "星期三", "__import__('os')", "Tom"]),
    ],
)
def test_every_type_is_told_from_the_way_it_is_written(kind: str, texts: list[str]) -> None:
    assert {text: kind_of(text) for text in texts} == dict.fromkeys(texts, kind)


@pytest.mark.parametrize("text", ["", "   ", "。", "\n"])
def test_an_empty_answer_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="no answer"):
        read_value(text)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "(1).__class__",
        "open('/etc/passwd')",
        "x.subs(x, 1)",
        "lambda: 0",
        r"\unknown{3}",
        "3 4 5 ( 6",
        "7 more than twice as many as Tom has, which is not known",
        "1" * 1600,
        "1 + " * 700 + "1",
    ],
)
def test_what_is_no_value_is_text(text: str) -> None:
    assert kind_of(text) == "text"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("（１，２）", "(1, 2)"),
        ("x＝３", "x = 3"),
        ("１２％", "12%"),
        ("x≥３", "x >= 3"),
        ("－５", "-5"),
        ("−5", "-5"),
        ("3：2", "3:2"),
        ("１２０　km", "120 km"),
    ],
)
def test_full_width_forms_mean_the_same(text: str, meant: str) -> None:
    assert is_read_as(text, meant)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        (r"12\,000", "12000"),
        (r"$12{,}000$", "12000"),
        (r"0.\overline{3}", "1/3"),
        (r"0.1\overline{6}", "1/6"),
        (r"3\frac{1}{2}", "7/2"),
        (r"\dfrac{3}{4}", "3/4"),
        (r"\frac12", "1/2"),
        (r"\sqrt[3]{8}", "2"),
        (r"$\frac{3}{4}$", "3/4"),
        (r"\boxed{3:2}", "3:2"),
        (r"90^\circ", "90°"),
        (r"75\%", "75%"),
        (r"162\text{ cm}^2", "162 cm²"),
        (r"5 \times 10^{3}", "5000"),
        (r"x \in [1, 2)", "[1, 2)"),
        (r"x \le 3", "x <= 3"),
        (r"1 \pm \sqrt{2}", "{1 + sqrt(2), 1 - sqrt(2)}"),
        (r"\begin{cases} x = 3 \\ y = 4 \end{cases}", "x = 3, y = 4"),
        (r"\begin{bmatrix}1&2\\3&4\end{bmatrix}", "[[1, 2], [3, 4]]"),
        (r"\varnothing", "无解"),
    ],
)
def test_latex_means_the_same_as_plain_text(text: str, meant: str) -> None:
    assert is_read_as(text, meant)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("约15 km", "15 km"),
        ("about 15 km", "15 km"),
        ("答案：42", "42"),
        ("The answer is 42.", "42"),
        ("**42**", "42"),
        ("42。", "42"),
        ("7 apples left", "7 apples"),
        ("半小时", "30分钟"),
        ("half an hour", "30 minutes"),
        ("每小时60千米", "60千米/小时"),
        ("3 * 12 = 36", "36"),
        ("x = 6/2 = 3", "x = 3"),
        ("点(1, 2)", "(1, 2)"),
    ],
)
def test_what_surrounds_an_answer_does_not_change_it(text: str, meant: str) -> None:
    assert is_read_as(text, meant)


@pytest.mark.parametrize("text", ["2xy+7", "3小时55分", "5元8角", "23 chickens and 9 rabbits"])
def test_an_answer_is_not_cut_to_its_first_number(text: str) -> None:
    value = read_value(text)
    first = text[: 2 if text.startswith("23") else 1]
    assert not is_same_value(value, read_value(first))


@pytest.mark.parametrize("text", ["2024-02-30", "13月5日", "February 30, 2024", "2024-13-01"])
def test_a_day_that_does_not_exist_is_no_date(text: str) -> None:
    assert kind_of(text) != "date"


@pytest.mark.parametrize("text", ["25点", "3点75分", "13:75 pm"])
def test_an_hour_that_does_not_exist_is_no_time(text: str) -> None:
    assert kind_of(text) != "time"

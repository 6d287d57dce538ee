"""Lays the folder that `make act` works on: a table, settings, a price list and a letter."""

import sys
from pathlib import Path

from openpyxl import Workbook

TEXTS = {
    "sales.csv": "city,month,amount\nSuzhou,May,120.5\nHangzhou,May,80\nSuzhou,June,99.5\n",
    "shop.yaml": "# 文具店\nname: 小熊文具\nopens: 8:30   # 周末不变\nmembers: 214\n",
    "letter.txt": "Dear parents,\nthe shop has moved to 4 Lake Road.\n",
}
PRICES = [("item", "price"), ("pen", 3), ("ruler", 2), ("notebook", 5)]


def lay(folder: Path) -> None:
    """Write the files, replacing those of an earlier run."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in TEXTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    book = Workbook()
    for row in PRICES:
        book.active.append(row)
    book.save(folder / "prices.xlsx")


if __name__ == "__main__":
    lay(Path(sys.argv[1]))

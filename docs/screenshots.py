"""The pictures of the page in the READMEs, from a real run.

Start ``concertino serve``; then

``python docs/screenshots.py http://127.0.0.1:8000 --en "Solve x^2 - 5x = 0." --zh 4f1c9b2ad07e``

asks each question, or takes the task of that id, waits until it has ended, and writes
``page-en.png`` and ``page-zh.png`` beside this file. It needs Debian's Chromium and Playwright.
"""

import argparse
import re
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

CHROMIUM = "/usr/bin/chromium"
LOCALES = {"en": "en-GB", "zh": "zh-CN"}
SIZE = {"width": 1200, "height": 1000}
TASK_ID = re.compile(r"[0-9a-f]{12}")
ENDED = re.compile("verified|unverified|no_answer|failed|interrupted|cancelled")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("url", help="of the service")
    parser.add_argument("--en", help="a question, or the id of a task, for the English picture")
    parser.add_argument("--zh", help="the same for the Chinese one")
    parser.add_argument("--to", type=Path, default=Path(__file__).parent, help="folder for them")
    parser.add_argument("--wait", type=int, default=1800, help="seconds that a task may take")
    asked = parser.parse_args()
    with sync_playwright() as started:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = started.chromium.launch(executable_path=CHROMIUM, args=flags)
        for language in LOCALES:
            if task := getattr(asked, language):
                place = asked.to / f"page-{language}.png"
                status = take(browser, asked.url.rstrip("/"), task, language, place, asked.wait)
                print(f"{place}: {status}", file=sys.stderr)
        browser.close()


def take(
    browser: Browser, url: str, task: str, language: str, place: Path, seconds: int
) -> str | None:
    """Write the picture of a task; tell how the task ended."""
    page = browser.new_page(locale=LOCALES[language], viewport=SIZE, color_scheme="light")
    task_id = task if TASK_ID.fullmatch(task) else ask(page, url, task)
    page.goto(f"{url}/#/tasks/{task_id}")
    status = page.locator("#task-status")
    expect(status).to_have_class(ENDED, timeout=seconds * 1000)
    page.wait_for_load_state("networkidle")
    page.screenshot(path=place)
    shown = status.text_content()
    page.close()
    return shown


def ask(page: Page, url: str, question: str) -> str:
    """The id of a new task."""
    answer = page.request.post(f"{url}/tasks", data={"question": question})
    if not answer.ok:
        raise SystemExit(f"{answer.status}: {answer.text()}")
    return str(answer.json()["task_id"])


if __name__ == "__main__":
    main()

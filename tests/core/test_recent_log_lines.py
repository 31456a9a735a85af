"""The last lines of the log in memory: what a screen shows of it."""

import logging

import pytest

from modelsync import logs
from modelsync.tag import Tag
from modelsync.transfer.progress import PartProgress

logger = logging.getLogger("modelsync.test")


@pytest.fixture(autouse=True)
def everything_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "modelsync")


def test_lines_come_with_level_and_time_and_only_the_last_are_kept() -> None:
    with logs.recent_lines(3, lambda: None) as recent:
        for number in range(5):
            logger.warning("line %d of %s", number, Tag("iris", "v1"))
    lines = recent.lines()
    assert [line.text for line in lines] == [f"line {number} of iris:v1" for number in (2, 3, 4)]
    assert {line.level for line in lines} == {logging.WARNING}
    assert all(line.at.tzinfo is not None for line in lines)


def test_secrets_and_control_characters_are_hidden_as_in_the_file() -> None:
    logs.hide("tok-of-the-pane-0123456789")
    with logs.recent_lines(10, lambda: None) as recent:
        logger.info("with tok-of-the-pane-0123456789 at https://s3/x?X-Amz-Signature=abc \x1b[31m")
    (line,) = recent.lines()
    assert "0123456789" not in line.text
    assert "Signature" not in line.text
    assert "\x1b" not in line.text


def test_a_traceback_is_a_line_for_each_of_its_lines() -> None:
    with logs.recent_lines(100, lambda: None) as recent:
        try:
            raise ZeroDivisionError("a defect of the test")
        except ZeroDivisionError:
            logger.exception("it broke")
    texts = [line.text for line in recent.lines()]
    assert texts[0] == "it broke"
    assert texts[-1] == "ZeroDivisionError: a defect of the test"
    assert not any("\n" in text for text in texts)


def test_whoever_watches_is_told_of_each_record_until_the_end() -> None:
    told: list[int] = []
    with logs.recent_lines(10, lambda: told.append(1)):
        logger.info("one")
        logger.info("two")
    logger.info("three")
    assert len(told) == 2


def test_a_part_that_is_tried_again_leaves_a_line() -> None:
    part = PartProgress(5, 0, 100)
    with logs.recent_lines(10, lambda: None) as recent:
        part.begin()
        part.retry("HTTP 503")
    assert [line.text for line in recent.lines()] == ["part 5 is tried again, 1 so far: HTTP 503"]

"""The log file: who may read it, what is masked in it, and that it does not grow for ever."""

import logging
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelsync import logs
from modelsync.paths import Paths

logger = logging.getLogger("modelsync.test")


@pytest.fixture
def paths(tmp_path: Path) -> Iterator[Paths]:
    yield Paths.of_platform({f"MODELSYNC_{kind}_DIR": str(tmp_path / kind) for kind in ("CONFIG", "STATE", "CACHE")})
    logs.stop()


def test_the_log_is_a_file_for_its_owner_alone(paths: Paths) -> None:
    assert logs.start(paths) == paths.log_file
    logger.info("hello")
    assert "hello" in paths.log_file.read_text()
    assert stat.S_IMODE(paths.log_file.stat().st_mode) == 0o600


def test_a_known_token_is_masked_in_messages_arguments_and_tracebacks(paths: Paths) -> None:
    logs.hide("s3cr/et+token")
    logs.start(paths)
    logger.info("with s3cr/et+token in it, and %s", "s3cr%2Fet%2Btoken")
    try:
        raise ValueError("header s3cr/et+token was refused")
    except ValueError:
        logger.exception("it failed")
    text = paths.log_file.read_text()
    assert "s3cr" not in text
    assert "header [hidden] was refused" in text
    assert "Traceback" in text


def test_the_query_of_an_address_is_masked_and_its_host_is_not(paths: Paths) -> None:
    logs.start(paths)
    logger.info("PUT https://s3.example/bucket/key?X-Amz-Signature=abc&X-Amz-Date=1 failed")
    logger.info("GET /objects/1?token=abc and proxy http://me:abc@proxy:3128 failed")
    text = paths.log_file.read_text()
    assert "abc" not in text
    assert "https://s3.example/bucket/key?[hidden] failed" in text
    assert "http://[hidden]@proxy:3128" in text


def test_a_question_is_not_taken_for_an_address() -> None:
    assert logs.masked("Force it? name=value") == "Force it? name=value"


def test_control_characters_from_outside_are_written_out(paths: Paths) -> None:
    logs.start(paths)
    logger.info("a \x1b[31mred\x07 name")
    assert "a \\x1b[31mred\\x07 name" in paths.log_file.read_text()


def test_below_the_level_nothing_is_written(paths: Paths) -> None:
    logs.start(paths, "warning")
    logger.info("small talk")
    logger.warning("trouble")
    assert "small talk" not in paths.log_file.read_text()
    assert "trouble" in paths.log_file.read_text()


def test_a_full_log_is_set_aside_and_only_a_few_are_kept(paths: Paths) -> None:
    logs.start(paths)
    for number in range(logs.LOG_FILES_KEPT + 3):
        logger.info("%s %s", number, "x" * logs.LOG_FILE_MAX_BYTES)
    files = sorted(path.name for path in paths.state_dir.iterdir())
    assert files == ["modelsync.log", *(f"modelsync.log.{n}" for n in range(1, logs.LOG_FILES_KEPT + 1))]


def test_a_log_that_another_process_set_aside_is_opened_anew(paths: Paths) -> None:
    logs.start(paths)
    logger.info("first")
    paths.log_file.rename(paths.log_file.with_suffix(".moved"))
    logger.info("second")
    assert "second" in paths.log_file.read_text()


def test_a_log_whose_directory_was_removed_is_begun_again(paths: Paths) -> None:
    logs.start(paths)
    logger.info("first")
    shutil.rmtree(paths.state_dir)
    logger.info("second")
    logger.info("third")
    assert "third" in paths.log_file.read_text()


def test_a_log_that_cannot_be_opened_anew_loses_lines_and_harms_nothing(paths: Paths) -> None:
    logs.start(paths)
    logger.info("first")
    shutil.rmtree(paths.state_dir)
    paths.state_dir.write_text("in its place")
    logger.info("second")
    logger.info("third")
    paths.state_dir.unlink()
    logger.info("fourth")
    assert "fourth" in paths.log_file.read_text()


@pytest.mark.timeout(30)
def test_a_pipe_in_its_place_that_nobody_reads_is_not_waited_for(paths: Paths) -> None:
    paths.log_file.parent.mkdir(parents=True)
    os.mkfifo(paths.log_file)
    assert logs.start(paths) is None


def test_what_is_no_file_keeps_its_rights(paths: Paths) -> None:
    paths.log_file.parent.mkdir(parents=True)
    os.mkfifo(paths.log_file)  # for /dev/null behind a link, which every other test would miss
    paths.log_file.chmod(0o666)
    reader = os.open(paths.log_file, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert logs.start(paths) == paths.log_file
        assert stat.S_IMODE(paths.log_file.stat().st_mode) == 0o666
    finally:
        logs.stop()
        os.close(reader)


def test_a_place_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    paths = Paths.of_platform(
        {f"MODELSYNC_{kind}_DIR": str(tmp_path / "file/x") for kind in ("CONFIG", "STATE", "CACHE")}
    )
    assert logs.start(paths) is None


def test_the_engine_says_nothing_on_stderr_by_itself() -> None:
    code = "import logging, modelsync.logs; logging.getLogger('modelsync.x').error('boo')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""

"""What a person finds who comes back to the terminal: the store as it is now."""

from pathlib import Path

from textual import events

from support.local_store import write_model
from support.tui import app_for, lines_with, until


async def test_a_model_saved_meanwhile_is_there_without_a_key(tmp_path: Path) -> None:
    write_model(tmp_path / "store", "bert:v1")
    app = app_for(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: lines_with(app, "bert"))
        app.post_message(events.AppBlur())
        await until(pilot, lambda: not app.app_focus)
        write_model(tmp_path / "store", "iris:v1")
        app.post_message(events.AppFocus())
        await until(pilot, lambda: lines_with(app, "iris"))

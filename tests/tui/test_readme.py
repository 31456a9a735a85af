"""The README tells the truth about what can be looked up."""

from pathlib import Path

from modelsync.paths import Paths
from modelsync.settings import Settings
from modelsync_tui import own_keys
from modelsync_tui.keys import markdown_table

README = (Path(__file__).parents[2] / "README.md").read_text()


def test_the_table_of_keys_is_the_live_one() -> None:
    assert f"compares -->\n\n{markdown_table()}\n<!-- end of keys -->" in README


def test_both_lines_for_newcomers_stand_alone_in_their_block() -> None:
    for heading in ("Try it", "Test it"):
        block = README.split(f"\n## {heading}\n", 1)[1].split("```", 2)[1]
        assert len(block.removeprefix("sh").strip().splitlines()) == 1


def test_its_settings_are_settings_and_its_keys_are_keys(tmp_path: Path) -> None:
    toml = README.split("```toml\n", 1)[1].split("```", 1)[0]
    (tmp_path / "config.toml").write_text(toml)
    environ = {"MODELSYNC_CONFIG": str(tmp_path / "config.toml"), "HOME": str(tmp_path)}
    settings = Settings.load(environ=environ, paths=Paths.of_platform(environ))
    assert settings.keys
    assert own_keys.unknown_ids(settings.keys) == ()
    assert own_keys.unknown_keys(settings.keys) == ()
    assert list(own_keys.clashes(settings.keys)) == []

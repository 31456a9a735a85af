"""Redraws every picture of this folder from the demo as it runs: `python screenshots/make.py`.

Each picture is an SVG; where `rsvg-convert` is installed (Debian: librsvg2-bin, with fonts-firacode), a PNG beside it.
"""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from svg import even
from textual.pilot import Pilot

from modelsync.account import Account, Context, Token, TokenSource
from modelsync.credentials import KeyringStatus
from modelsync.credentials.yatai import YataiContext
from modelsync.errors import TokenRefusedError
from modelsync.paths import Paths
from modelsync.settings import Settings
from modelsync.transfer.control import Control
from modelsync_tui.app import ModelsyncApp
from modelsync_tui.demo import Demo, start_demo
from modelsync_tui.dialogs.force import ForceDialog
from modelsync_tui.dialogs.help import HelpScreen
from modelsync_tui.dialogs.plan import PlanDialog
from modelsync_tui.screens.details import DetailsScreen
from modelsync_tui.screens.login import LoginScreen
from modelsync_tui.session import Session
from modelsync_tui.sign_in import BrowserPage, SignInAnswer, SignInWish
from modelsync_tui.widgets.browser import Browser

HERE = Path(__file__).resolve().parent
PORT = 8765
"""The same in every picture."""
LARGE, SMALL = (120, 40), (80, 24)
PNG_CELL_PX = 11
WAIT_S = 30.0
LIMIT_BYTES_PER_S = 12 << 20
"""Slow enough that both transfers still move in the last picture, also on a machine that has other things to do."""


class ExampleSignIn:
    """What the sign-in screen asks, answered the same on every machine."""

    def kept(self, endpoint: str, context_name: str) -> Context:
        return Context(context_name, endpoint)

    def check(self, wish: SignInWish, token: str | Token) -> SignInAnswer:
        del wish, token
        raise TokenRefusedError(
            "The registry does not know this token, or it has expired.", hint="Make a new one and paste it whole."
        )

    def keep(self, answer: SignInAnswer, where: TokenSource) -> Account:
        raise AssertionError(f"nothing is kept, least of all in {where}: {answer}")

    def keyring_status(self) -> KeyringStatus:
        return KeyringStatus(usable=True, name="Secret Service", reason="")

    def begin_in_browser(self, wish: SignInWish, control: Control) -> BrowserPage:
        raise AssertionError(f"no browser is opened: {wish}, {control}")

    def wait_for_browser(self, page: BrowserPage, control: Control) -> Token:
        raise AssertionError(f"no browser is waited for: {page}, {control}")

    def found(self) -> tuple[YataiContext, ...]:
        return (YataiContext("default", "https://cloud.bentoml.com", Token("x"), "mia@acme.io", is_current=True),)


class Studio:
    """The application in the demo, steered by keys."""

    def __init__(self, app: ModelsyncApp, pilot: Pilot[object]) -> None:
        self.app = app
        self.pilot = pilot

    async def until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + WAIT_S
        while not condition():
            if time.monotonic() > deadline:
                raise SystemExit(f"not within {WAIT_S:.0f} s; the picture before this one shows what is wrong")
            await self.pilot.pause(0.05)

    @property
    def shown(self) -> str:
        """What a person reads on it, in small letters."""
        return "".join(strip.text for strip in self.app.screen._compositor.render_strips()).lower()

    async def size(self, size: tuple[int, int]) -> None:
        await self.pilot.resize_terminal(*size)
        await self.pilot.pause(0.3)

    async def go_to(self, browser: Browser, name: str, version: str = "") -> None:
        """Puts the cursor on a row."""
        await self.pilot.press("1" if browser is self.app.main.local else "2", "home")
        await self.pilot.pause(0.1)
        for _ in range(100):
            row = browser.row
            if row is not None and row.key == (name, version):
                return
            await self.pilot.press("down")
        raise SystemExit(f"no row {name}:{version}")

    def save(self, name: str) -> None:
        width = self.app.size.width
        path = HERE / f"{name}.svg"
        path.write_text(even(self.app.export_screenshot(title="modelsync-tui")), encoding="utf-8")
        print(path.relative_to(HERE.parent))
        if shutil.which("rsvg-convert"):
            subprocess.run(
                ["rsvg-convert", "-w", str(width * PNG_CELL_PX), "-o", path.with_suffix(".png"), path], check=True
            )


async def main_pictures(demo: Demo) -> None:
    """The main screen at work, the parts, and the dialogs."""
    paths = Paths.of_platform(demo.environ)
    session = Session(Settings.load(environ=demo.environ, paths=paths), paths, demo.environ)
    app = ModelsyncApp(session)
    async with app.run_test(size=LARGE) as pilot:
        studio = Studio(app, pilot)
        await studio.until(lambda: session.online is not None and app.main.remote.row is not None)
        await pilot.pause(0.5)

        await studio.go_to(app.main.local, "llama-ft", "2026w47")
        await pilot.press("F")
        await studio.until(lambda: isinstance(app.screen, ForceDialog))
        await pilot.press(*"2026w4")
        await studio.until(lambda: "(1 differs)" in studio.shown)
        studio.save("force")
        await pilot.press("escape")

        await pilot.press("enter")
        await studio.until(lambda: isinstance(app.screen, DetailsScreen) and "reading" not in studio.shown)
        studio.save("details")
        await pilot.press("escape")

        await pilot.press("question_mark")
        await studio.until(lambda: isinstance(app.screen, HelpScreen))
        await pilot.pause(0.2)
        studio.save("help")
        await pilot.press("escape")

        await studio.go_to(app.main.local, "asr-whisper")
        await pilot.press("P")
        await studio.until(lambda: isinstance(app.screen, PlanDialog))
        await pilot.pause(0.2)
        studio.save("plan")
        transfers = session.transfers
        assert transfers is not None
        transfers.set_limit(LIMIT_BYTES_PER_S)
        await pilot.press("enter")
        await studio.go_to(app.main.remote, "fraud-detector", "v11-03")
        await pilot.press("p")
        await studio.until(lambda: isinstance(app.screen, PlanDialog))
        await pilot.press("enter")
        await studio.until(lambda: transfers.snapshot().bytes_done > transfers.snapshot().bytes_total * 0.3)
        await pilot.pause(0.3)
        studio.save("main")
        await studio.size(SMALL)
        studio.save("main-80x24")
        await studio.size(LARGE)
        await pilot.press("3", "t")
        await pilot.pause(0.5)
        studio.save("parts")
        await pilot.pause(0.1)
        transfers.cancel_all()
        await studio.until(lambda: not transfers.snapshot().busy)
    session.close()


async def login_picture(demo: Demo) -> None:
    """The sign-in card after a refused token."""
    paths = Paths.of_platform(demo.environ)
    session = Session(Settings.load(environ=demo.environ, paths=paths), paths, demo.environ)
    app = ModelsyncApp(session)
    async with app.run_test(size=SMALL) as pilot:
        studio = Studio(app, pilot)
        await studio.until(lambda: session.online is not None)
        app.push_screen(
            LoginScreen(
                ExampleSignIn(),
                credentials_file="~/.config/modelsync/credentials",
                yatai_file="~/bentoml/.yatai.yaml",
            )
        )
        await studio.until(lambda: isinstance(app.screen, LoginScreen))
        await pilot.press(*"an-example-token-of-28-chars", "enter")
        await pilot.pause(0.5)
        studio.save("login")
    session.close()


def main() -> int:
    """Redraws all of them."""
    home = Path(tempfile.gettempdir()) / "demo"
    if home.exists():
        print(f"{home} is in the way: the pictures show that path.", file=sys.stderr)
        return 1
    os.environ["TEXTUAL_ANIMATIONS"] = "none"
    with start_demo(home=home, port=PORT) as demo:
        asyncio.run(main_pictures(demo))
        asyncio.run(login_picture(demo))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What stands on a terminal that is too small for anything else."""

from textual.content import Content
from textual.geometry import Size
from textual.widgets import Static

MIN_CELLS, MIN_ROWS = 40, 10


class TooSmall(Static):
    """One plain sentence; its screen shows nothing else while it has the class `-tiny`."""

    def __init__(self) -> None:
        super().__init__(markup=False, id="too-small")

    def measure(self, size: Size) -> bool:
        """Looks at the size of the terminal; True where it is too small."""
        tiny = size.width < MIN_CELLS or size.height < MIN_ROWS
        self.screen.set_class(tiny, "-tiny")
        if tiny:
            words = f"modelsync needs at least {MIN_CELLS}x{MIN_ROWS}, this is {size.width}x{size.height}."
            self.update(Content(f"{words} Transfers go on."))
        return tiny

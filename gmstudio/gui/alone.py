"""One part of the window alone, for a look while it is worked on."""

from __future__ import annotations

import sys
from collections.abc import Callable

from PySide6.QtWidgets import QApplication, QWidget

from gmstudio.gui import style
from gmstudio.gui.theme import themes


def show_alone(make: Callable[[], QWidget], width: int, height: int) -> None:
    """Show a widget in the program's style until it is closed.

    Args:
        make: makes it, once there is an application.
        width, height: of its window, in pixels.
    """
    app = QApplication.instance() or QApplication(sys.argv)
    assert isinstance(app, QApplication)
    style.apply(app, themes().current, 1.0)
    widget = make()
    widget.resize(width, height)
    widget.show()
    app.exec()

"""What the window remembers of a person's habits; work itself is in the project."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QSettings

from gmstudio.paths import user_data

MAX_RECENT = 10


class Settings:
    """An INI file in the user's folder, read with types (an INI file gives back text)."""

    def __init__(self) -> None:
        self._store = QSettings(str(user_data() / "settings.ini"), QSettings.Format.IniFormat)

    def text(self, name: str, default: str = "") -> str:
        """A text."""
        return str(self._store.value(name, default, type=str))

    def number(self, name: str, default: float) -> float:
        """A number."""
        return float(str(self._store.value(name, default, type=float)))

    def flag(self, name: str, default: bool = False) -> bool:
        """Yes or no."""
        return bool(self._store.value(name, default, type=bool))

    def data(self, name: str) -> QByteArray:
        """Bytes; empty where there are none."""
        found = self._store.value(name, QByteArray(), type=QByteArray)
        return found if isinstance(found, QByteArray) else QByteArray()

    def set(self, name: str, value: str | float | bool | QByteArray) -> None:
        """Remember a value."""
        self._store.setValue(name, value)

    def remove(self, name: str) -> None:
        """Forget a value."""
        self._store.remove(name)

    def recent(self) -> list[str]:
        """Paths of the projects used last, newest first."""
        return [line for line in self.text("recent").split("\n") if line]

    def add_recent(self, path: str) -> None:
        """Put a project at the head of the recent ones."""
        paths = [path, *(other for other in self.recent() if other != path)]
        self.set("recent", "\n".join(paths[:MAX_RECENT]))

    def sync(self) -> None:
        """Write to disk now."""
        self._store.sync()

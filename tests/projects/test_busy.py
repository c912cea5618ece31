"""Reading without waiting for a thread that saves."""

from __future__ import annotations

import threading
from pathlib import Path

from gmstudio.projects.project import Project


def test_a_project_that_another_thread_holds_is_busy_and_free_again_afterwards(tmp_path: Path) -> None:
    held, release = threading.Event(), threading.Event()
    with Project.create(tmp_path / "p.gmstudio") as project:

        def save() -> None:
            with project.batch():
                held.set()
                release.wait(30)

        thread = threading.Thread(target=save)
        thread.start()
        assert held.wait(30)
        with project.unless_busy() as free:
            assert not free
        release.set()
        thread.join(30)
        with project.unless_busy() as free:
            assert free
            project.set_value("key", 1)
        assert project.value("key") == 1

"""Banners of what happens on its own: faults that nobody caught, and jobs that take long."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication

from gmstudio.gui.banner import Banner, Banners
from gmstudio.gui.faults import Faults
from gmstudio.gui.loop import Job, Jobs


class Reports(QObject):
    """Tells of faults and of jobs until they are over.

    Args:
        banners: where.
        faults, jobs: of what.
        parent: the window.
    """

    def __init__(self, banners: Banners, faults: Faults, jobs: Jobs, parent: QObject) -> None:
        super().__init__(parent)
        self._banners = banners
        jobs.slow.connect(self._job_is_slow)
        jobs.over.connect(self._job_is_over)
        faults.found.connect(self._show_fault)

    def _show_fault(self, line: str, trace: str) -> None:
        def copy() -> None:
            QApplication.clipboard().setText(trace)

        self._banners.show_message(
            Banner(
                "Something went wrong inside GM Studio",
                line,
                "The window goes on, and the project is safe; please report this.",
                "danger",
                (("Copy details", copy),),
            )
        )

    def _job_is_slow(self, job: Job) -> None:
        banner = self._banners.show_message(Banner(f"{job.title}…", buttons=(("Cancel", job.cancel),)))
        banner.setProperty("job", job.title)
        job.reached.connect(banner.show_share)

    def _job_is_over(self, job: Job) -> None:
        for banner in list(self._banners.shown):
            if banner.property("job") == job.title:
                banner.dismiss()

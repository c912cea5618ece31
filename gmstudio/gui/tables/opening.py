"""Opening tables and images: read in the background, chosen from in a dialog, put onto the Data card as one change."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog

from gmstudio.gui.banner import Banner, Button
from gmstudio.gui.drops import IMAGE_PATTERNS, TABLE_PATTERNS
from gmstudio.gui.images.look import Look, look
from gmstudio.gui.images.opening import ImageChooser
from gmstudio.gui.loop import Job, Progress
from gmstudio.gui.tables.downloads import Downloads
from gmstudio.gui.tables.source import Facts, Source, State, look_at, source_of

if TYPE_CHECKING:
    from gmstudio.data.sets.images import ImagesSpec
    from gmstudio.data.sets.table import TableSpec
    from gmstudio.data.tables.profile import Profile
    from gmstudio.data.tables.reading import Table
    from gmstudio.data.uci.catalogue import Entry
    from gmstudio.gui.main_window import MainWindow
    from gmstudio.gui.tables.import_dialog import ImportDialog
    from gmstudio.gui.tables.uci_dialog import UciDialog
    from gmstudio.runs import Experiment

FILTER = f"Tables ({TABLE_PATTERNS});;All files (*)"
IMAGES_FILTER = f"Images ({IMAGE_PATTERNS});;All files (*)"


class Tables(QObject):
    """Opens tables and images for a window, and keeps an eye on the file that the Data card names."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.window = window
        self.dialog: ImportDialog | None = None
        self.picker: UciDialog | None = None
        self.images = ImageChooser(window, lambda *facts: self._taken(Facts(*facts)))
        self._job: Job | None = None
        self._looking: Job | None = None
        self._looked_at: Source | None = None
        self._banner: Banner | None = None
        self.downloads = Downloads(window.jobs, self)
        self.downloads.arrived.connect(self._arrived)
        self.downloads.failed.connect(self._not_arrived)
        window.deck.source_wanted.connect(self._wanted)
        window.workbench.cards_shown.connect(self._look)

    # Asking for a file.

    def ask(self) -> None:
        """Ask for a file and open it; what was chosen of the table on the Data card is offered again."""
        folder = self.window.settings.text("table folder") or self.window.settings.text("folder", str(Path.home()))
        name, _ = QFileDialog.getOpenFileName(self.window, "Open a table", folder, FILTER)
        if name:
            self.window.settings.set("table folder", str(Path(name).parent))
            self._read(Path(name), self._present, None)

    def ask_images(self) -> None:
        """Ask for a file of images and open it; what was chosen of the images on the Data card is offered again."""
        name, _ = QFileDialog.getOpenFileName(self.window, "Open images", self._image_folder, IMAGES_FILTER)
        self._open_images(name)

    def ask_folder(self) -> None:
        """Ask for a folder of images and open it."""
        self._open_images(QFileDialog.getExistingDirectory(self.window, "Open a folder of images", self._image_folder))

    @property
    def _image_folder(self) -> str:
        return self.window.settings.text("image folder") or self.window.settings.text("folder", str(Path.home()))

    def _open_images(self, name: str) -> None:
        if name:
            self.window.settings.set("image folder", str(Path(name).parent))
            self._read(Path(name), self._present, None)

    def open(self, path: Path, then: Callable[[], object] | None = None) -> None:
        """Read a table or images and let the person choose what of it is learned.

        Args:
            path: the file.
            then: called when it is on the Data card.
        """
        self._read(path, None, then)

    def edit(self) -> None:
        """Choose anew from the table or the images on the Data card."""
        present = self._present
        if present is None or not present.path:
            self.ask()
        else:
            self._read(Path(present.path), present, None)

    @property
    def _present(self) -> TableSpec | ImagesSpec | None:
        """The table or the images on the Data card; None for other data."""
        from gmstudio.data.sets.images import ImagesSpec
        from gmstudio.data.sets.table import TableSpec

        data = self.window.deck.experiment.run.data
        return data if isinstance(data, (TableSpec, ImagesSpec)) else None

    def _read(self, path: Path, spec: TableSpec | ImagesSpec | None, then: Callable[[], object] | None) -> None:
        if self._job is not None:
            # The newest wish wins.
            self._job.cancel()
        self._job = self.window.jobs.start(
            f"Reading {path.name}",
            partial(read, path, spec),
            partial(self._offer, spec, then),
            partial(self._refused, path),
        )
        self._job.over.connect(self._over)

    def _over(self, job: Job) -> None:
        if job is self._job:
            self._job = None

    def _refused(self, path: Path, error: BaseException) -> None:
        self.window.handlers.documents.tell(error, f"{path.name} was not opened", self._choose_again)

    # Choosing.

    def _offer(
        self, spec: TableSpec | ImagesSpec | None, then: Callable[[], object] | None, found: Table | Look
    ) -> None:
        from gmstudio.data.sets.images import ImagesSpec
        from gmstudio.data.sets.table import TableSpec

        self.close_dialogs()
        if isinstance(found, Look):
            self.images.offer(found, spec if isinstance(spec, ImagesSpec) else None, then)
        else:
            self._offer_table(spec if isinstance(spec, TableSpec) else None, then, found)

    def _offer_table(self, spec: TableSpec | None, then: Callable[[], object] | None, table: Table) -> None:
        from gmstudio.gui.tables.import_dialog import ImportDialog

        self.dialog = ImportDialog(table, spec, self.window)
        self.dialog.chosen.connect(partial(self._take, table, then))
        self.dialog.finished.connect(self._closed)
        self.dialog.open()
        self._looking = self.window.jobs.start(
            f"Looking at the columns of {table.path.name}",
            partial(look_at_columns, table),
            partial(self._profiled, self.dialog),
            partial(self._not_profiled, self.dialog),
        )

    def _profiled(self, dialog: ImportDialog, profile: Profile) -> None:
        if dialog is self.dialog:
            dialog.show_profile(profile)

    def _not_profiled(self, dialog: ImportDialog, error: BaseException) -> None:
        from gmstudio.training.problems import problem_of

        if dialog is self.dialog:
            dialog.message.say("The columns could not be looked at.", problem_of(error).what)

    def _closed(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None
        dialog, self.dialog = self.dialog, None
        if dialog is not None:
            dialog.deleteLater()

    def _take(self, table: Table, then: Callable[[], object] | None, spec: TableSpec) -> None:
        self._taken(Facts(table.sha256, table.rows, len(table.columns)))
        self.window.deck.edit_data(spec, f"Train on {Path(spec.path).name}")
        if then is not None:
            then()

    # The Data card.

    def _wanted(self, wish: str) -> None:
        from gmstudio.data.sets.images import ImagesSpec

        choose = self.ask_images if isinstance(self._present, ImagesSpec) else self.ask
        {"edit": self.edit, "choose": choose, "folder": self.ask_folder, "pick": self.pick}[wish]()

    # Known data sets.

    def pick(self) -> None:
        """Show the known data sets."""
        from gmstudio.data.sets.uci import available
        from gmstudio.data.uci.catalogue import CATALOGUE
        from gmstudio.gui.tables.uci_dialog import UciDialog

        self.close_dialogs()
        data = self.window.deck.experiment.run.data
        source = source_of(data)
        chosen = source.name if source is not None else ""
        entries = tuple(CATALOGUE.values())
        self.picker = UciDialog(entries, lambda entry: available(entry.name), self.downloads, chosen, self.window)
        self.picker.picked.connect(self.use)
        self.picker.finished.connect(self._picker_closed)
        self.picker.open()

    def _picker_closed(self) -> None:
        picker, self.picker = self.picker, None
        if picker is not None:
            picker.deleteLater()

    def use(self, entry: Entry) -> None:
        """Put a known data set onto the Data card."""
        from gmstudio.data.sets.uci import UciSpec
        from gmstudio.gui.cards.summaries import carried

        old = self.window.deck.experiment.run.data
        spec = old if isinstance(old, UciSpec) else carried(old, UciSpec())
        self.window.deck.edit_data(spec.changed(name=entry.name), f"Train on {entry.title}")

    def _arrived(self, entry: Entry) -> None:
        from gmstudio.data.uci import store

        found = store.origin(entry)
        self.window.deck.source.show_data(self.window.deck.experiment.run.data)
        self.window.previewer.again()
        if self.picker is None:
            checked = found.in_words if found is not None else ""
            self.window.show_banner(f"{entry.title} is here", checked, buttons=(("Use it", partial(self.use, entry)),))

    def _not_arrived(self, entry: Entry, error: Exception) -> None:
        if self.picker is None:
            from gmstudio.gui.tables.uci_dialog import in_words

            what, remedy = in_words(entry, error)
            buttons = (("Data sets…", self.pick),)
            self.window.show_banner(f"{entry.title} was not downloaded", what, remedy, "danger", buttons)

    # Which file it is.

    @property
    def _choose_again(self) -> tuple[Button, ...]:
        return (("Choose the file again…", partial(self._wanted, "choose")),)

    def _taken(self, facts: Facts) -> None:
        self._say_no_more()
        self._keep(facts)

    def _keep(self, facts: Facts) -> None:
        self.window.deck.source.show_facts(facts)
        self.window.workbench.keeper.keep("table", lambda: [facts.sha256, facts.rows, facts.columns])

    def _remember(self) -> None:
        """Take the size of the file from the project, where it was read before."""
        match self.window.workbench.keeper.value("table"):
            case [str(sha256), int(rows), int(columns)]:
                self.window.deck.source.show_facts(Facts(sha256, rows, columns))

    def _look(self, experiment: Experiment) -> None:
        """Look in the background whether the card's file is there and the same, once for each file."""
        source = source_of(experiment.run.data)
        if source == self._looked_at:
            return
        self._looked_at = source
        self._say_no_more()
        if source is not None and source.path:
            self._remember()
            name = Path(source.path).name
            self.window.jobs.start(
                f"Looking at {name}", partial(look_at, source), partial(self._seen, source), partial(self._unseen, name)
            )

    def _seen(self, source: Source, state: State) -> None:
        if source != self._looked_at:
            return
        self.window.deck.source.show_state(state)
        if state == "there":
            self.window.previewer.again()
            return
        self.window.previewer.hush()
        name = Path(source.path).name
        what = "is not there any more" if state == "gone" else "has changed since it was chosen"
        self._banner = self.window.show_banner(
            f"{name} {what}",
            f"The Data card names {source.path}.",
            "Put the file back as it was, or choose the file again.",
            "warning",
            self._choose_again,
        )

    def _unseen(self, name: str, error: BaseException) -> None:
        self.window.handlers.documents.tell(error, f"{name} cannot be read", self._choose_again)

    def _say_no_more(self) -> None:
        banner, self._banner = self._banner, None
        if banner is not None and banner in self.window.banners.shown:
            banner.dismiss()

    def close_dialogs(self) -> None:
        """Close what is open; nothing is taken from it."""
        for dialog in (self.dialog, self.picker):
            if dialog is not None:
                dialog.reject()
        self.images.close()


def read(path: Path, spec: TableSpec | ImagesSpec | None, progress: Progress) -> Table | Look:
    """Read a table, where training reads it, too, or look at images; called in a job's thread."""
    from gmstudio.data.images.reading import Wanted, looks_like_images
    from gmstudio.data.sets.images import ImagesSpec
    from gmstudio.data.sets.table import read_once

    if looks_like_images(path):
        return look(path, spec.wanted if isinstance(spec, ImagesSpec) else Wanted(), progress)
    try:
        return read_once(path, progress=progress.report, cancelled=lambda: progress.cancelled)
    except Exception:
        # What a reader says when it was told to stop is nothing that a person needs to hear.
        progress.check()
        raise


def look_at_columns(table: Table, progress: Progress) -> Profile:
    """Find out what is to be known of a table; called in a job's thread."""
    from gmstudio.data.tables.profile import profile

    try:
        return profile(table, cancelled=lambda: progress.cancelled)
    except Exception:
        progress.check()
        raise

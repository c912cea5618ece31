"""Images: those that every model makes, beside those that it learns from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from PySide6.QtCore import QSize, QSizeF
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QVBoxLayout, QWidget

from gmstudio.gui.panels.age import joined, lacking, step_shown
from gmstudio.gui.panels.base import Panel
from gmstudio.gui.panels.images_view import ImagesView, Spot, Stack, Strip
from gmstudio.gui.panels.strip_panel import StripPanel, Switch
from gmstudio.gui.panels.ticks import short
from gmstudio.gui.theme import Theme
from gmstudio.observation.frame import F32, ColumnFrame, Frame, RunInfo
from gmstudio.observation.mollified import amount

DATA, SAMPLES, BATCH, REBUILT, NEAREST = "data", "samples", "batch", "rebuilt", "neighbours"


@dataclass(frozen=True)
class Kind:
    """What can be shown.

    Attributes:
        name: also of what a frame must hold for it.
        text, help: of its switch.
        needs: the parts of a frame that it draws.
    """

    name: str
    text: str
    help: str
    needs: frozenset[str]


KINDS = (
    Kind(DATA, "Data", "Show training images.", frozenset()),
    Kind(SAMPLES, "Samples", "Show images that each model makes.", frozenset({"samples"})),
    Kind(BATCH, "Batch", "Show what the step trains on: images, mollified as far as planned.", frozenset({"batch"})),
    Kind(
        REBUILT,
        "Rebuilt",
        "Show training images, each with what an autoencoder makes of it at its right.",
        frozenset({"rebuilt"}),
    ),
    Kind(
        NEAREST,
        "Nearest",
        "Show samples, each with the training image that is nearest to it at its right: a model that has learned by "
        "heart repeats them.",
        frozenset({"samples", "neighbours"}),
    ),
)


class ImagesPanel(StripPanel):
    """Sheets of images: data, samples, the mollified batch, reconstructions, nearest training images."""

    name: ClassVar[str] = "images"
    title: ClassVar[str] = "Images"
    help: ClassVar[str] = (
        "Training images, and those that each model makes. Tick several to see them above each other; + and - change "
        "the size, hover tells which image it is."
    )
    wants: ClassVar[frozenset[str]] = frozenset().union(*(kind.needs for kind in KINDS))
    place: ClassVar[tuple[str, int]] = ("hidden", 49)
    image_place: ClassVar[tuple[str, int] | None] = ("stage", 0)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.frame: Frame | None = None
        self._lagged: list[str] = []
        self.view = ImagesView(self.explain)
        self.view.setAccessibleName(self.title)
        self.view.hint = self.empty_hint
        self.view.menu_wanted.connect(self.extend_menu)
        self.switches: dict[str, Switch] = {
            kind.name: self.add_switch(self.tr(kind.text), self.tr(kind.help), kind.name == SAMPLES, self._switched)
            for kind in KINDS
        }
        for switch in self.switches.values():
            switch.give_way()
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addLayout(self.strip)
        box.addWidget(self.view, 1)
        self.setFocusProxy(self.view)

    # What the window says

    @property
    def chosen(self) -> tuple[str, ...]:
        """What is shown, from above."""
        return tuple(name for name, switch in self.switches.items() if switch.isChecked() and switch.isEnabled())

    @property
    def wanted(self) -> frozenset[str]:
        return frozenset().union(*(kind.needs for kind in KINDS if kind.name in self.chosen))

    def begin(self, info: RunInfo) -> None:
        super().begin(info)
        self.frame = None
        rebuilds = info.picture is None or info.latent > 0
        switch = self.switches[REBUILT]
        switch.setEnabled(rebuilds)
        only = self.tr("Only autoencoders rebuild images.")
        switch.setToolTip(self.tr(next(kind.help for kind in KINDS if kind.name == REBUILT)) if rebuilds else only)
        self.view.spot = None
        self._arrange()

    def clear(self, hint: str = "") -> None:
        super().clear(hint)
        self.frame = None
        self.view.show_stacks(None, (), self.empty_hint)

    def show_frame(self, frame: Frame) -> None:
        if self.info is None or frame.run != self.info.run:
            return
        before, self.frame = self.frame, frame
        if before is None or self._differs(before, frame):
            self._arrange()

    def _differs(self, before: Frame, frame: Frame) -> bool:
        """Whether a frame shows others than the one before; observers keep arrays that did not change."""
        if (before.step == 0, before.age == 0) != (frame.step == 0, frame.age == 0):
            return True
        if self._lags() != self._lagged:
            return True
        return any(
            getattr(old, part) is not getattr(new, part) or (part == "batch" and old.sigma2 != new.sigma2)
            for old, new in zip(before.columns, frame.columns, strict=False)
            for part in self.wanted
        )

    # What is drawn where

    def _switched(self, _on: bool) -> None:
        self._arrange()

    def _arrange(self) -> None:
        info = self.info
        self._lagged = self._lags()
        if info is None:
            return
        if info.picture is None:
            hint = self.tr("These data are no images.") if self.frame is not None else self.tr("Not for these data.")
            stacks = tuple(Stack(title, self.theme.column(k), ()) for k, title in enumerate(info.titles))
            self.view.show_stacks(None, stacks, hint)
            return
        made = tuple(name for name in self.chosen if name != DATA)
        stacks = ()
        if DATA in self.chosen:
            stacks = (Stack(self.tr("Data"), "text", (self._strip(info, 0, DATA),)),)
        if made:
            stacks += tuple(
                Stack(title, self.theme.column(k), tuple(self._strip(info, k, name) for name in made), self._note())
                for k, title in enumerate(info.titles)
            )
        hint = "" if stacks else self.tr("Tick above what to show.")
        if made and self.frame is None and DATA not in self.chosen:
            hint = self.tr("Waiting for the first picture…")
        self.view.show_stacks(info.picture, stacks, hint)

    def _note(self) -> str:
        return self.tr("untrained") if self.frame is not None and self.frame.step == 0 else ""

    def _strip(self, info: RunInfo, column: int, name: str) -> Strip:
        """The images of one kind of a column, or why there are none."""
        if name == DATA:
            return Strip(name, self.tr("{} images").format(f"{len(info.data):,}"), self._whole(info.data))
        if self.frame is None or column >= len(self.frame.columns):
            return Strip(name, "", hint=self.tr("Waiting for the first picture…"))
        one = self.frame.columns[column]
        rows, partners = self._rows(info, one, name)
        caption, hint = self._caption(info, column, one, name), ""
        if rows is None:
            hint = self._lacking(info, one, name)
        return Strip(name, caption, rows, partners, hint)

    def _rows(self, info: RunInfo, one: ColumnFrame, name: str) -> tuple[F32 | None, F32 | None]:
        """The images of a kind, and what is shown beside them."""
        if name == SAMPLES:
            return self._whole(one.samples), None
        if name == BATCH:
            return self._whole(one.batch), None
        if name == REBUILT:
            first, second = self._whole(info.data), self._whole(one.rebuilt)
        else:
            near = one.neighbours
            first, second = self._whole(one.samples), self._whole(None if near is None else near[:, 1:])
        if first is None or second is None:
            return None, None
        count = min(len(first), len(second))
        return first[:count], second[:count]

    def _whole(self, rows: F32 | None) -> F32 | None:
        """Rows of all pixels; None for those of which a record keeps but some."""
        picture = self.info.picture if self.info is not None else None
        if rows is None or picture is None or not len(rows) or rows.shape[1] != picture.dim:
            return None
        return rows

    def _caption(self, info: RunInfo, column: int, one: ColumnFrame, name: str) -> str:
        words: dict[str, Callable[[], str]] = {
            SAMPLES: lambda: self._note() or self.tr("samples"),
            BATCH: lambda: self.tr("batch, {}").format(amount(info, column, one.sigma2)),
            REBUILT: lambda: self.tr("image, rebuilt"),
            NEAREST: lambda: self.tr("sample, nearest image"),
        }
        return joined(words[name](), self._lag(self.frame, name))

    def _lag(self, frame: Frame | None, name: str) -> str:
        """Of which step the images of a kind are, where they lag behind the run."""
        return step_shown(frame, next(kind.needs for kind in KINDS if kind.name == name), self.now)

    def _lags(self) -> list[str]:
        return [self._lag(self.frame, name) for name in self.chosen]

    def show_now(self, step: int) -> None:
        super().show_now(step)
        if self.frame is not None and self._lags() != self._lagged:
            self._arrange()

    def _lacking(self, info: RunInfo, one: ColumnFrame, name: str) -> str:
        assert self.frame is not None
        parts = {SAMPLES: one.samples, BATCH: one.batch, REBUILT: one.rebuilt, NEAREST: one.neighbours}
        if parts[name] is not None or (name == REBUILT and self._whole(info.data) is None):
            return self.tr("Of these images only some pixels were kept.")
        if name in (SAMPLES, NEAREST) and one.samples is None and self.live and not self.frame.age:
            return self.tr("This model cannot draw samples.")
        return lacking(self.live)

    # Words

    def explain(self, spot: Spot) -> str:
        """Which image it is."""
        info, (stack, strip, number) = self.info, spot
        if info is None or info.picture is None:
            return ""
        shown = self.view.stacks[stack].strips[strip]
        if shown.kind == DATA:
            return self.tr("Training image {}").format(f"{number + 1:,}") + self._class_of(info, number)
        column = stack - (1 if DATA in self.chosen else 0)
        title = info.titles[column]
        if shown.kind == REBUILT:
            words = self.tr("{}: image {}{}; rebuilt, a pixel is off by {} of the way from black to white")
            off = _light_error(info, shown.rows, shown.partners)[number]
            return words.format(title, f"{number + 1:,}", self._class_of(info, number), f"{off:.0%}")
        if shown.kind == NEAREST and self.frame is not None:
            near = self.frame.columns[column].neighbours
            at = -1 if near is None else int(near[number, 0])
            words = self.tr("{}: sample {}; nearest is training image {}{}, {} away")
            away = _distances(shown.rows, shown.partners)[number]
            known = self._class_of(info, self._row_of(info, shown.partners, number))
            return words.format(title, f"{number + 1:,}", f"{at + 1:,}", known, short(float(away)))
        kind = self.tr("sample") if shown.kind == SAMPLES else self.tr("image of the batch")
        return f"{title}: {kind} {number + 1:,}"

    def _class_of(self, info: RunInfo, row: int) -> str:
        """The class of a row of the run's data, where it is known."""
        label = -1 if info.labels is None or not 0 <= row < len(info.labels) else int(info.labels[row])
        if label < 0:
            return ""
        name = info.label_names[label] if label < len(info.label_names) else str(label)
        return self.tr(" (class {})").format(name)

    def _row_of(self, info: RunInfo, partners: F32 | None, number: int) -> int:
        """Which row of the run's data a neighbour is; -1 where it is not among them."""
        if partners is None or info.labels is None:
            return -1
        found = np.flatnonzero((info.data == partners[number]).all(axis=1))
        return int(found[0]) if len(found) else -1

    def apply_theme(self, theme: Theme) -> None:
        super().apply_theme(theme)
        self.view.apply_theme(theme)

    def summary(self) -> str:
        info, frame = self.info, self.frame
        if info is None or info.picture is None:
            return self.tr("Images: no run on images is shown.")
        channels, height, width = info.picture.shape
        size = f"{width} × {height} pixels" + (" in colour" if channels == 3 else "")
        data = self._whole(info.data)
        words = [f"Images of {size}: {len(info.data):,} training images"]
        if data is not None:
            words[0] += f", mean light {_light(info, data):.2f}"
        for k, one in enumerate(frame.columns if frame is not None else ()):
            told = [text for name in self.chosen if name != DATA and (text := self._told(info, k, one, name))]
            words.append(f"{info.titles[k]}: {', '.join(told) or 'nothing of what is ticked'}")
        return "; ".join(words) + "."

    def _told(self, info: RunInfo, column: int, one: ColumnFrame, name: str) -> str:
        rows, partners = self._rows(info, one, name)
        if rows is None:
            return ""
        if name == REBUILT:
            return f"{len(rows)} rebuilt, a pixel off by {_light_error(info, rows, partners).mean():.0%} on average"
        if name == NEAREST:
            away = short(float(np.median(_distances(rows, partners))))
            return f"a sample is {away} away from its nearest training image in the median"
        kind = f"batch {amount(info, column, one.sigma2)}" if name == BATCH else f"{len(rows)} samples"
        return f"{kind}, mean light {_light(info, rows):.2f}"

    def paint_for_export(self, painter: QPainter, size: QSize) -> None:
        """Draw the images, without the switches, on `painter`."""
        scale = size.width() / max(1, self.view.width())
        painter.save()
        painter.scale(scale, scale)
        self.view.paint_all(painter, QSizeF(size.width() / scale, size.height() / scale), overlay=False)
        painter.restore()


def _light(info: RunInfo, rows: F32) -> float:
    """Mean share of light of images (N, D)."""
    assert info.picture is not None
    return float(info.picture.to_bytes(rows).mean()) / 255


def _light_error(info: RunInfo, rows: F32 | None, others: F32 | None) -> F32:
    """(N,) root mean squared differences of the light of images (N, D) and others."""
    assert info.picture is not None and rows is not None and others is not None
    one, other = (info.picture.to_bytes(x).astype(np.float32) / 255 for x in (rows, others))
    return np.asarray(np.sqrt(((one - other) ** 2).mean(axis=(1, 2, 3))), dtype=np.float32)


def _distances(rows: F32 | None, others: F32 | None) -> F32:
    """(N,) distances of rows (N, D) from others, in the units of the data."""
    assert rows is not None and others is not None
    return np.asarray(np.linalg.norm(rows - others, axis=1), dtype=np.float32)


PANELS: tuple[type[Panel], ...] = (ImagesPanel,)

if __name__ == "__main__":
    from gmstudio.gui.panels.demo_images import main

    main(ImagesPanel)

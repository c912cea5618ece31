"""What to do with a picture that was just read: as a density, or as points."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QCheckBox, QFrame, QGridLayout, QHBoxLayout, QLabel, QPushButton, QWidget

from gmstudio.gui.cards.calm import IconButton
from gmstudio.gui.cards.number_box import NumberBox
from gmstudio.gui.drawing.pictures import Loaded, preview
from gmstudio.registry import FieldInfo

COUNT = FieldInfo(
    name="count",
    label="Points",
    kind="int",
    default=4096,
    help="How many points to draw from the picture.",
    unit="points",
    minimum=1,
    maximum=100_000,
    log=True,
)


class PictureBar(QFrame):
    """A preview with choices; hidden until a picture is shown."""

    #: Use the picture as a density: inverted or not.
    density = Signal(bool)
    #: Add points drawn from it: inverted or not, how many.
    points = Signal(bool, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("picturebar")
        self.setAccessibleName("Imported picture")
        self._loaded: Loaded | None = None
        self._preview = QLabel()
        self._preview.setFixedSize(72, 72)
        self._preview.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._title = QLabel()
        self._title.setTextFormat(Qt.TextFormat.PlainText)
        self._title.setProperty("class", "cardtitle")
        self.invert = QCheckBox("Invert: bright is dense")
        self.invert.toggled.connect(self._paint)
        self.count = NumberBox(COUNT)
        self.count.setAccessibleName("Number of points")
        self.count.setToolTip(COUNT.help)
        self.use = QPushButton("As density")
        self.use.setToolTip("Use the picture itself as the data set")
        self.use.clicked.connect(self._use)
        self.add = QPushButton("Add as points")
        self.add.setToolTip("Add points drawn from the picture to the drawing")
        self.add.clicked.connect(self._add)
        close = IconButton("close", "Leave the picture", 14)
        close.clicked.connect(self.hide)
        self._lay_out(close)
        self.hide()

    def _lay_out(self, close: IconButton) -> None:
        layout = QGridLayout(self)
        layout.setContentsMargins(8, 6, 6, 8)
        layout.setHorizontalSpacing(8)
        layout.setVerticalSpacing(4)
        layout.addWidget(self._preview, 0, 0, 3, 1, Qt.AlignmentFlag.AlignTop)
        layout.addWidget(self._title, 0, 1)
        layout.addWidget(close, 0, 2)
        layout.addWidget(self.invert, 1, 1, 1, 2)
        layout.addWidget(self.count, 2, 1, 1, 2)
        buttons = QHBoxLayout()
        buttons.addWidget(self.use)
        buttons.addWidget(self.add)
        layout.addLayout(buttons, 3, 0, 1, 3)
        layout.setColumnStretch(1, 1)

    @property
    def loaded(self) -> Loaded | None:
        """The picture."""
        return self._loaded

    def show_picture(self, loaded: Loaded) -> None:
        """Offer a picture."""
        self._loaded = loaded
        height, width = loaded.grey.shape
        metrics = self._title.fontMetrics()
        title = metrics.elidedText(loaded.title, Qt.TextElideMode.ElideMiddle, 150)
        self._title.setText(title)
        self._title.setToolTip(f"{loaded.title}, {width} × {height} pixels")
        # Mostly dark pictures are bright on dark: take the bright as dense.
        self.invert.setChecked(float(loaded.grey.mean()) < 100)
        self._paint()
        self.show()

    def _paint(self) -> None:
        if self._loaded is None:
            return
        image = preview(self._loaded, self.invert.isChecked())
        ratio = self.devicePixelRatioF()
        side = round(72 * ratio)
        pixmap = QPixmap.fromImage(image).scaled(
            side, side, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
        pixmap.setDevicePixelRatio(ratio)
        self._preview.setPixmap(pixmap)

    def _use(self) -> None:
        self.density.emit(self.invert.isChecked())

    def _add(self) -> None:
        self.count.commit()
        self.points.emit(self.invert.isChecked(), int(self.count.value))

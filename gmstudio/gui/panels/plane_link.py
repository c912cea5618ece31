"""What all plots of the plane have in common: the part that they show, and the point under the mouse."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal

from gmstudio.data.base import Bounds
from gmstudio.observation.frame import RunInfo
from gmstudio.observation.plane import Plane, Space

Point = tuple[float, float]

_NOWHERE: Bounds = (-4.0, 4.0, -4.0, 4.0)
_CLOSEST, _FARTHEST = 1e-4, 30.0


class PlaneLink(QObject):
    """One window's view of the plane; every plane panel of the window shares it (`PlanePanel.set_link`).

    Signals:
        bounds_changed(Bounds): at every zoom and pan, for the plots.
        view_wanted(Bounds): when the view has come to rest, for those who compute a sharper picture of it.
        probe_moved(Point or None): the point under the mouse; None when the mouse has left.
        plane_changed(Plane or None): on which data of more than two columns are seen.
    """

    bounds_changed = Signal(object)
    view_wanted = Signal(object)
    probe_moved = Signal(object)
    plane_changed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._home = _NOWHERE
        self._bounds = _NOWHERE
        self._probe: Point | None = None
        self._hovering = False
        self._space: Space | None = None
        self._plane: Plane | None = None
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(150)
        self._rest.timeout.connect(self._rested)

    @property
    def home(self) -> Bounds:
        """The part that the data asks for: left, right, bottom, top."""
        return self._home

    @property
    def bounds(self) -> Bounds:
        """The part that is shown."""
        return self._bounds

    @property
    def probe(self) -> Point | None:
        """The point that the mouse was over last; it stays when the mouse leaves, so that it can be read in peace."""
        return self._probe

    @property
    def hovering(self) -> bool:
        """Whether the mouse is over a plot now."""
        return self._hovering

    @property
    def at_home(self) -> bool:
        """Whether the whole home view is shown."""
        return self._bounds == self._home

    @property
    def space(self) -> Space | None:
        """The columns of the data, where they are more than two."""
        return self._space

    @property
    def plane(self) -> Plane | None:
        """The plane on which they are seen; None where the data are points of the plane themselves."""
        return self._plane

    def knows(self, info: RunInfo) -> bool:
        """Whether a run has the data that are shown, so that the view may stay where the person has left it."""
        if info.space is None:
            return self._space is None and self._home == info.bounds
        return info.space.same(self._space)

    def begin(self, info: RunInfo) -> None:
        """Take the view of a run; plane and view stay where its data are those of before."""
        if info.space is None and self._space is None:
            self.set_home(info.bounds)
        elif not self.knows(info):
            self._space = info.space
            self._turn(info.plane, info.bounds)

    def show_plane(self, plane: Plane, home: Bounds) -> None:
        """See the same data on another plane.

        Args:
            plane: of the same columns.
            home: the part of it that the data ask for.
        """
        if plane == self._plane:
            return
        if self._plane is not None and plane.directions == self._plane.directions:
            # It passes elsewhere, but rows fall on it where they did: the person's zoom stays.
            self._plane = plane
            self.plane_changed.emit(plane)
            self.view_wanted.emit(self._bounds)
            return
        self._turn(plane, home)
        self.view_wanted.emit(self._bounds)

    def _turn(self, plane: Plane | None, home: Bounds) -> None:
        self._plane = plane
        self._home = self._bounds = home
        self.set_probe(None)
        self._probe = None
        self.plane_changed.emit(plane)
        self.bounds_changed.emit(home)
        self._rest.start()

    def set_home(self, bounds: Bounds) -> None:
        """Take the view of other data; goes there unless it is the same home as before."""
        left, right, bottom, top = bounds
        if not (right > left and top > bottom) or bounds == self._home:
            return
        self._home = bounds
        self.set_probe(None)
        self._probe = None
        self.go_home()

    def go_home(self) -> None:
        """Show the home view."""
        self.set_bounds(self._home)

    def set_bounds(self, bounds: Bounds) -> None:
        """Show a part of the plane; one that is too small or too far away is refused."""
        left, right, bottom, top = bounds
        width = self._home[1] - self._home[0]
        if bounds == self._bounds or not _CLOSEST * width < right - left < _FARTHEST * width or not top > bottom:
            return
        middle = ((left + right) / 2, (bottom + top) / 2)
        if max(abs(middle[0] - self._home[0]), abs(middle[1] - self._home[2])) > _FARTHEST * width:
            return
        self._bounds = bounds
        self.bounds_changed.emit(bounds)
        self._rest.start()

    def zoom(self, factor: float, at: Point | None = None) -> None:
        """Show `factor` times as much; the point `at` (or the middle) stays where it is."""
        left, right, bottom, top = self._bounds
        x, y = at or ((left + right) / 2, (bottom + top) / 2)
        scaled = (x + (left - x) * factor, x + (right - x) * factor, y + (bottom - y) * factor, y + (top - y) * factor)
        self.set_bounds(scaled)

    def pan(self, dx: float, dy: float) -> None:
        """Move the view by so much, in the units of the data."""
        left, right, bottom, top = self._bounds
        self.set_bounds((left + dx, right + dx, bottom + dy, top + dy))

    def set_probe(self, point: Point | None) -> None:
        """Say where the mouse is; None when it has left."""
        if point is None and not self._hovering:
            return
        if point is not None and self._hovering and point == self._probe:
            return
        self._hovering = point is not None
        if point is not None:
            self._probe = point
        self.probe_moved.emit(point)

    def _rested(self) -> None:
        self.view_wanted.emit(self._bounds)

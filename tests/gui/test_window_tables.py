"""A run on data of more than two columns in the window: its arrangement, its planes, its record."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtWidgets import QTabBar

from gmstudio import runs
from gmstudio.gui.docks import on_screen
from gmstudio.gui.layout import PLANE, TABLE
from gmstudio.gui.main_window import MainWindow
from gmstudio.projects.project import Project
from gmstudio.runs import Experiment
from gmstudio.sessions import Session

Tiny = Callable[..., Experiment]
SECONDS = 60_000


@pytest.fixture
def table(tmp_path: Path) -> Experiment:
    """Vanilla beside mollified on four columns, small enough to train in a moment."""
    random = np.random.default_rng(2)
    rows = random.normal(size=(200, 4)) @ random.normal(size=(4, 4)) * (1.0, 10.0, 0.1, 5.0)
    path = tmp_path / "made.csv"
    path.write_text("\n".join(["first,second,third,fourth", *(",".join(f"{v:.5f}" for v in row) for row in rows)]))
    run = runs.run_from_plain(
        {
            "data": {"kind": "table", "path": str(path)},
            "model": {"kind": "real-nvp", "blocks": 2, "hidden": 8, "layers": 1},
            "mollification": {"kind": "sigmoid"},
            "training": {"steps": 60, "batch": 32, "threads": 1, "evaluate_every": 20},
        }
    )
    return runs.twins(run)


def trained(qtbot: Any, window: MainWindow, experiment: Experiment) -> None:
    window.workbench.show_cards(experiment)
    window.workbench.start()
    qtbot.waitUntil(lambda: window.control.state == "finished", timeout=SECONDS)
    qtbot.waitUntil(lambda: window.display.info is not None and window.display.frame is not None, timeout=SECONDS)


def visible(window: MainWindow) -> set[str]:
    """The panels that are on the screen: those behind other tabs are not."""
    return {name for name, panel in window.panels.items() if on_screen(panel)}


def test_a_table_opens_with_pairs_and_marginals_and_the_plane_with_its_own_panels(
    qtbot: Any, window: MainWindow, tiny: Tiny, table: Experiment
) -> None:
    first = visible(window)
    assert {"data", "density", "score", "samples"} <= first and "pairs" not in first
    trained(qtbot, window, table)
    assert window.layout_.kind == TABLE
    assert {"pairs", "marginals", "density"} <= visible(window)
    assert not {"score", "samples", "outliers"} & visible(window), "tabs behind the density"
    window.docks["score"].raise_()
    window.docks["marginals"].hide()
    trained(qtbot, window, tiny())
    assert window.layout_.kind == PLANE and visible(window) == first
    trained(qtbot, window, table)
    qtbot.waitUntil(lambda: "pairs" in visible(window), timeout=SECONDS)
    assert "marginals" not in visible(window), "as the person has left it"
    window.layout_.arrange()
    assert {"pairs", "marginals", "density"} <= visible(window)


def test_nothing_is_computed_for_tabs_that_nobody_sees(qtbot: Any, window: MainWindow, table: Experiment) -> None:
    trained(qtbot, window, table)
    assert window.display.wants == {"samples", "batch", "log_density"}
    assert all(column.score is None and column.outliers is None for column in window.display.frame.columns)
    window.docks["outliers"].raise_()
    qtbot.waitUntil(lambda: "outliers" in window.display.wants, timeout=SECONDS)
    assert "log_density" not in window.display.wants
    window.workbench.restart()
    qtbot.waitUntil(lambda: window.control.state == "finished", timeout=SECONDS)
    qtbot.waitUntil(lambda: window.panels["outliers"].model.rowCount() > 0, timeout=SECONDS)


def test_a_chosen_pair_is_observed_and_stays_for_the_next_run(
    qtbot: Any, window: MainWindow, table: Experiment
) -> None:
    trained(qtbot, window, table)
    window.panels["pairs"].grid.pair_chosen.emit(3, 1)
    plane = window.link.plane
    assert plane is not None and plane.names == ("fourth", "second")
    assert window.display.view.plane is plane
    window.workbench.restart()
    qtbot.waitUntil(lambda: window.control.state == "finished", timeout=SECONDS)
    qtbot.waitUntil(lambda: window.display.frame.view.plane == plane, timeout=SECONDS)
    column = window.display.frame.columns[0]
    assert column.log_density is not None and column.samples.shape[1] == 4
    assert window.panels["density"].row.hint == ""


def test_a_table_on_record_is_shown_as_it_was(
    qtbot: Any, make_window: Callable[..., MainWindow], table: Experiment, tmp_path: Path
) -> None:
    path = tmp_path / "kept.gmstudio"
    with closing(Project.create(path)) as project:
        session = Session(table, project=project)
        assert session.run().state == "finished"
        kept = project.frame(session.run_id, 60)
    assert kept is not None and kept.view.plane is not None
    window = make_window(path=path)
    qtbot.waitUntil(lambda: window.panels["pairs"].frame is not None, timeout=SECONDS)
    assert window.layout_.kind == TABLE and window.display.frame.view == kept.view
    assert window.link.plane == kept.view.plane and window.link.home == kept.view.bounds
    assert window.panels["pairs"].frame.columns[1].samples.shape[1] == 4
    window.display.look_at(0)
    qtbot.waitUntil(lambda: window.panels["pairs"].frame.step == 0, timeout=SECONDS)
    assert "Pairs of first, second, third, fourth" in window.panels["pairs"].summary()


def test_the_window_keeps_its_size_and_one_bar_of_tabs_whatever_the_data(
    qtbot: Any, window: MainWindow, tiny: Tiny, table: Experiment
) -> None:
    size = window.size()
    for experiment in (table, tiny(), table, tiny(), table):
        trained(qtbot, window, experiment)
        qtbot.wait(50)
        assert window.size() == size
    # Qt moves bars of a single tab out of the window.
    bars = [bar for bar in window.findChildren(QTabBar) if on_screen(bar) and bar.count()]
    texts = [tuple(bar.tabText(k) for k in range(bar.count())) for bar in bars]
    assert sorted(texts) == [
        ("Density", "Score", "Samples", "Data and batch", "Outliers"),
        ("Experiment", "Draw"),
    ]

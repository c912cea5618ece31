"""Panels of the latent space: tabs on the stage that come with a run that has one, and go with it."""

from __future__ import annotations

from dataclasses import replace

from pytestqt.qtbot import QtBot

from gmstudio.gui.docks import on_screen
from gmstudio.gui.main_window import MainWindow
from gmstudio.gui.panels import demo, demo_table

FLOW, VAE = replace(demo.info(size=20), latent=0), replace(demo.info(size=20), latent=2)
TABLE = replace(demo_table.info(size=20), latent=2)
STAGE = ["data", "density", "score", "samples"]


def guests(window: MainWindow) -> list[str]:
    """The docks of the latent space that stand in the window, if only as tabs."""
    return [dock.name for dock in window.layout_.guests.docks if not dock.isHidden()]


def neighbours(window: MainWindow, name: str) -> set[str]:
    return {dock.name for dock in window.stage.tabifiedDockWidgets(window.docks[name]) if not dock.isHidden()}


def seen(qtbot: QtBot, window: MainWindow, *names: str) -> bool:
    qtbot.waitUntil(lambda: all(on_screen(window.panels[name]) for name in names), timeout=5000)
    return True


def test_they_come_with_a_latent_space_and_go_without_one(qtbot: QtBot, window: MainWindow) -> None:
    before = {name: dock.geometry() for name, dock in window.docks.items() if name in STAGE}
    window.layout_.suit(FLOW)
    assert guests(window) == []
    assert {name: window.docks[name].geometry() for name in STAGE} == before, "a flow's window is as it was"
    window.layout_.suit(VAE)
    assert "latent" in guests(window) and "score" in neighbours(window, "latent")
    assert seen(qtbot, window, "latent"), "in front at first: nobody has to look for it"
    assert seen(qtbot, window, "data", "density", "samples")
    window.layout_.suit(FLOW)
    assert guests(window) == [] and seen(qtbot, window, "score")


def test_what_the_person_has_closed_or_put_behind_stays_so(qtbot: QtBot, window: MainWindow) -> None:
    window.layout_.suit(VAE)
    window.docks["score"].raise_()
    window.layout_.suit(replace(VAE, run="next"))
    assert seen(qtbot, window, "score"), "it comes in front only when it comes"
    window.docks["latent"].close()
    for info in (VAE, FLOW, VAE):
        window.layout_.suit(info)
    assert "latent" not in guests(window)
    window.layout_.arrange()
    assert "latent" in guests(window), "the first layout has all that fits"


def test_tables_have_them_too(qtbot: QtBot, window: MainWindow) -> None:
    window.layout_.suit(TABLE)
    assert "marginals" in neighbours(window, "latent") and seen(qtbot, window, "latent")
    window.layout_.suit(FLOW)
    assert guests(window) == []
    window.layout_.suit(VAE)
    assert "score" in neighbours(window, "latent")
    window.layout_.suit(replace(TABLE, latent=0))
    assert guests(window) == [] and seen(qtbot, window, "marginals")


def test_one_panel_on_the_whole_stage_stays_alone(qtbot: QtBot, window: MainWindow) -> None:
    window.layout_.suit(FLOW)
    window.layout_.toggle_maximised(window.docks["density"])
    window.layout_.suit(VAE)
    assert guests(window) == [] and seen(qtbot, window, "density")
    window.layout_.restore_maximised()
    assert "latent" in guests(window)
    window.handlers.layout_stage()
    window.layout_.suit(replace(VAE, run="next"))
    assert guests(window) == [], "a projector shows what was asked for"


def test_the_keys_of_the_other_panels_are_as_they_were(window: MainWindow) -> None:
    names = [dock.name for dock in window.handlers.panel_docks()]
    assert names[:4] == STAGE and names[4:7] == ["schedule", "curves", "metrics"]


def test_axes_that_are_chosen_in_one_panel_are_those_of_the_other_and_of_the_decoder(window: MainWindow) -> None:
    latent, warp = window.panels["latent"], window.panels["warp"]
    for panel in (latent, warp):
        panel.begin(replace(VAE, latent=5))
    latent.axes.take((1, 3))
    assert warp.axes.axes == (1, 3) and window.display.view.latent == (1, 3)
    warp.axes.take(None)
    assert latent.axes.axes is None and window.display.view.latent is None
    warp.axes.take((0, 4))
    latent.begin(replace(VAE, latent=2))
    assert latent.axes.axes is None and window.display.view.latent is None, "this one has no fifth axis"

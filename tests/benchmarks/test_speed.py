"""The benchmarks of speed compare like with like, and say what they measured."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from gmstudio import cli, runs
from gmstudio.bench import observe, ours, peers, products, race, scale, settings, table, train
from gmstudio.bench.architecture import BINS, Architecture, Family
from gmstudio.bench.peers.model import Loop
from gmstudio.registry import SpecError
from gmstudio.training.trainer import Trainer

FLOWS = ("zuko", "nflows", "normflows")
KEYS = {"config", "engine", "ours", "peer", "peer_value", "ratio"}
QUICK = ["--rounds", "2", "--seconds", "0.001", "--engine", "eager"]


def own_parameters(architecture: Architecture) -> int:
    plain = architecture.plain()
    assert plain is not None
    run = runs.run_from_plain({"data": {"kind": "two-moons"}, "model": plain})
    model = run.model.build(architecture.dim, [1], torch.randn(50, architecture.dim))
    return sum(parameter.numel() for parameter in model.parameters())


#: Numbers in each block beside its network, of which all have the same; H is the width, D = 2.
#: An LU map has 2 matrices and a diagonal here and in normflows' InvertibleAffine, triangles and a bias in LULinear.
#: A network that is masked has an input and outputs for the first column too, where this project has two numbers.
BESIDE: dict[Family, dict[str, Callable[[int], int]]] = {
    "real-nvp": {"ours": lambda h: 0, "zuko": lambda h: 0, "nflows": lambda h: 0, "normflows": lambda h: 0},
    "maf": {
        "ours": lambda h: 2,
        "zuko": lambda h: h + 2 * (h + 1),
        "nflows": lambda h: h + 2 * (h + 1),
        "normflows": lambda h: h + 2 * (h + 1),
    },
    # normflows has a spline for the kept column too, without a network.
    "spline": {
        "ours": lambda h: 10,
        "zuko": lambda h: 0,
        "nflows": lambda h: 6,
        "normflows": lambda h: 6 + 3 * BINS - 1,
    },
    "glow": {"ours": lambda h: 14, "nflows": lambda h: 10, "normflows": lambda h: 14},
}


@pytest.mark.parametrize("library", FLOWS)
@pytest.mark.parametrize("family", BESIDE)
def test_a_peer_has_networks_of_the_same_size(library: str, family: Family) -> None:
    pytest.importorskip(library)
    architecture = Architecture(family, 3, 12)
    model = peers.build(library, architecture)
    if library not in BESIDE[family]:
        assert model is None
        return
    assert model is not None
    beside = BESIDE[family]
    theirs = sum(parameter.numel() for parameter in model.module.parameters())
    assert theirs - 3 * beside[library](12) == own_parameters(architecture) - 3 * beside["ours"](12)


@pytest.mark.parametrize("library", FLOWS)
def test_a_peer_has_networks_of_the_same_size_in_more_dimensions(library: str) -> None:
    pytest.importorskip(library)
    architecture = Architecture("real-nvp", 3, 12, dim=6)
    model = peers.build(library, architecture)
    assert model is not None
    assert sum(parameter.numel() for parameter in model.module.parameters()) == own_parameters(architecture)


@pytest.mark.parametrize("library", FLOWS)
@pytest.mark.parametrize("family", BESIDE)
def test_what_a_peer_calls_a_log_density_integrates_to_one(library: str, family: Family) -> None:
    pytest.importorskip(library)
    torch.manual_seed(3)
    model = peers.build(library, Architecture(family, 2, 8))
    if model is None:
        return
    assert model.log_prob is not None and model.sample is not None
    x = torch.randn(64, 2)
    # ActNorm starts from the first batch of a training.
    model.module.train()
    model.loss(x)
    model.module.eval()
    side = torch.linspace(-12, 12, 401)
    grid = torch.cartesian_prod(side, side)
    with torch.no_grad():
        mass = model.log_prob(grid).double().exp().sum() * float(side[1] - side[0]) ** 2
        assert float(mass) == pytest.approx(1.0, abs=0.01)
        assert model.sample(5).shape == (5, 2)
        assert float(model.loss(x)) == pytest.approx(-float(model.log_prob(x).mean()), rel=1e-5)


@pytest.mark.parametrize("library", peers.LIBRARIES)
def test_the_loop_of_a_peer_changes_all_its_parameters(library: str) -> None:
    pytest.importorskip(library)
    torch.manual_seed(3)
    family: Family = "energy" if library == "torchebm" else "real-nvp"
    model = peers.build(library, Architecture(family, 2, 8))
    assert model is not None
    before = [parameter.detach().clone() for parameter in model.module.parameters()]
    Loop(model, torch.randn(100, 2), 32, [0.5, 0.1]).run(3)
    after = list(model.module.parameters())
    assert all(not torch.equal(old, new) for old, new in zip(before, after, strict=True))
    assert all(bool(parameter.isfinite().all()) for parameter in after)


def test_a_missing_peer_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(peers, "LIBRARIES", ("zuko", "no_such_library"))
    assert "no_such_library" not in peers.installed()
    settings.say_missing()
    printed = capsys.readouterr().out
    assert "no_such_library" in printed and ".[bench]" in printed


def test_the_configurations_of_the_training_benchmark_have_names_of_their_own() -> None:
    names = [str(config) for config in train.CONFIGS]
    assert len(set(names)) == len(names)
    assert [str(config) for config in train.CONFIGS if config.architecture.plain() is None] == [
        "Energy by PCD-20 128^2, D 2, batch 256"
    ]


def test_bars_depend_on_engine_and_device_and_nothing_may_be_behind_its_peers() -> None:
    config = train.Config(Architecture("maf", 5, 128), 256, bars={"eager": 1.5, "cuda": 8.0})
    assert (config.bar("eager", False), config.bar("graph", True), config.bar("compiled", False)) == (1.5, 8.0, 1.0)
    assert train.Config(Architecture("maf", 5, 128), 256, twins=True).bar("eager", False) is None


def test_the_training_benchmark_writes_a_list_of_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("zuko")
    tiny = Architecture("real-nvp", 1, 4)
    configs = (
        train.Config(tiny, 8, bars={"eager": 1e9}),
        train.Config(tiny, 8, members=3),
        train.Config(tiny, 8, twins=True, bars={"eager": 1e9}),
        train.Config(Architecture("energy", 1, 4), 8),
        train.Config(tiny, 8, members=5, cuda=True),
    )
    monkeypatch.setattr(train, "CONFIGS", configs)
    out = tmp_path / "train.json"
    assert cli.main(["bench", "train", *QUICK, "--json", str(out)]) == 0
    single, ensemble, twins = rows = json.loads(out.read_text())
    for row in rows:
        assert row.keys() >= KEYS
        assert row["engine"] == "eager"
        assert row["ratio"] == pytest.approx(row["ours"] / row["peer_value"])
        assert row["machine"]["packages"]["torch"] and row["machine"]["date"] and row["machine"]["processor"]
    assert single["config"] == "Real-NVP 1 x 4^2, D 2, batch 8"
    assert single["peer_value"] == max(single["peers"].values())
    assert single["unit"] == "steps/s" and ensemble["unit"] == "model-steps/s"
    assert twins["peer"] == "one run alone" and twins["unit"] == "ms/step" and twins["less_is_better"]
    printed = capsys.readouterr().out
    assert ">= 1e+09 missed" in printed and "<= 1e+09 missed" not in printed
    assert "Energy" in printed and "skipped" in printed


def test_the_observing_benchmark_compares_with_peers_as_written_and_in_chunks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("zuko")
    tiny = Architecture("maf", 1, 4)
    kinds: tuple[observe.Kind, ...] = ("density", "picture", "samples")
    monkeypatch.setattr(observe, "CONFIGS", tuple(observe.Config(kind, tiny, 8) for kind in kinds))
    out = tmp_path / "observe.json"
    assert cli.main(["bench", "observe", *QUICK, "--json", str(out)]) == 0
    rows = json.loads(out.read_text())
    assert [row["config"] for row in rows if row["engine"] == "observer"] == [
        f"{what}, MAF 1 x 4^2, D 2, peers {way}"
        for what in ("density of 64 points", "density picture 8 x 8", "64 samples")
        for way in ("as written", "in chunks")
    ]
    assert all(row.keys() >= KEYS and row["ratio"] > 0 for row in rows)
    assert all(row["bar"] is None for row in rows if row["engine"].startswith("limit"))


def test_the_limit_of_a_density_is_that_of_the_hidden_layers_products(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[tuple[int, ...]] = []
    product = torch.addmm

    def counted(bias: torch.Tensor, weight: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
        called.append((*weight.shape, columns.shape[1]))
        return product(bias, weight, columns)

    monkeypatch.setattr(torch, "addmm", counted)
    points = torch.zeros(2 * products.CHUNK + 1, 2)
    products.limits(Architecture("real-nvp", 3, 8, layers=4), points)["limit, BLAS"](2)
    assert called == [(8, 8, products.CHUNK)] * (2 * 3 * 3 * 3)


def test_the_scaling_benchmark_changes_one_thing_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(scale, "AXES", {"batch": (8, 256), "ensemble": (1, 2)})
    out = tmp_path / "scale.json"
    assert cli.main(["bench", "scale", *QUICK, "--only", "batch", "--json", str(out)]) == 0
    rows = json.loads(out.read_text())
    assert [(row["axis"], row["value"]) for row in rows] == [("batch", 8), ("batch", 256)]
    assert rows[1]["relative"] == 1.0 and rows[0]["ms"] > 0 and rows[0]["machine"]
    assert "batch 256" in capsys.readouterr().out.splitlines()[0]


def test_the_defaults_of_the_scaling_benchmark_are_among_its_values() -> None:
    assert all(getattr(scale.Size(), axis) in values for axis, values in scale.AXES.items())


def test_nothing_is_measured_where_no_name_fits(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "none.json"
    assert cli.main(["bench", "train", "--only", "no such thing", "--json", str(out)]) == 2
    assert "Real-NVP 8 x 128^2, D 2, batch 256" in capsys.readouterr().out
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--engine", "steam"], "there is no engine 'steam'"),
        (["--device", "abacus"], "no device 'abacus'"),
        (["--rounds", "0"], "--rounds"),
    ],
)
def test_arguments_that_cannot_be_are_refused(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        cli.main(["bench", "train", *arguments])
    assert refused.value.code == 2
    assert said in capsys.readouterr().err


def test_a_race_lets_all_run_in_every_round_and_each_be_first() -> None:
    order: list[str] = []
    clock = race.Clock("cpu")
    seconds = iter(range(10_000))
    clock.now = lambda: float(next(seconds))
    entrants: dict[str, race.Work] = {name: lambda n, name=name: order.append(name) for name in "abc"}  # type: ignore[misc]
    rates = race.race(entrants, clock, rounds=3, seconds=1.0)
    assert "".join(order[-9:]) == "abcbcacab"
    assert all(len(found) == 3 for found in rates.values())


def test_a_race_measures_units_by_the_clock_it_is_given() -> None:
    class Slow:
        """Every unit takes a given time on a clock that only work moves."""

        now = 0.0

        def work(self, each: float) -> race.Work:
            def run(n: int) -> None:
                self.now += n * each

            return run

    slow = Slow()
    clock = race.Clock("cpu")
    clock.now = lambda: slow.now
    rates = race.race({"fast": slow.work(0.01), "slow": slow.work(0.5)}, clock, rounds=3, seconds=0.2)
    assert rates["fast"] == pytest.approx([100.0] * 3)
    assert rates["slow"] == pytest.approx([2.0] * 3)


def test_a_row_names_the_best_peer_and_its_ratio_is_that_of_the_medians() -> None:
    row = table.compare("c", "e", "u", [4.0, 6.0, 5.0], {"a": [1.0, 1.0, 1.0], "b": [2.0, 2.0, 3.0]}, bar=2.5)
    assert (row.peer, row.ours, row.ratio, row.holds) == ("b", 5.0, 2.5, True)
    assert row.low <= row.ratio <= row.high
    slow = table.compare("c", "e", "ms", [3.0], {"alone": [2.0]}, bar=1.4, less=True)
    assert (slow.ratio, slow.holds) == (1.5, False)


def test_the_points_that_all_train_on_are_standardised_in_any_dimension() -> None:
    data = ours.dataset(11, rows=500)
    assert data.train.shape == (500, 11) and data.validation.shape == (1000, 11)
    everything = data.to_model(torch.cat((data.train, data.validation)))
    assert everything.mean(dim=0).abs().max() < 1e-4
    assert float(everything.var(dim=0).mean()) == pytest.approx(1.0, rel=0.01)
    assert torch.equal(ours.dataset(11, rows=500).train, data.train)


def test_an_ensemble_has_seeds_of_its_own_and_twins_share_theirs() -> None:
    tiny = Architecture("real-nvp", 1, 4)
    assert [run.training.seed for run in ours.experiment(tiny, batch=8, columns=3).runs()] == [1, 2, 3]
    twins = ours.experiment(tiny, batch=8, columns="twins").runs()
    assert [run.mollification.off for run in twins] == [True, False]
    assert twins[0].training == twins[1].training


def test_a_model_that_is_not_there_yet_is_said_not_to_be() -> None:
    with pytest.raises(LookupError, match="no model like Energy"):
        ours.experiment(Architecture("energy", 1, 4), batch=8)


def test_the_driver_makes_the_steps_that_it_is_asked_for() -> None:
    training = ours.Training(
        ours.experiment(Architecture("real-nvp", 1, 4), batch=8), ours.dataset(2, 100), engine="eager", device="cpu"
    )
    assert training.trainer.step == ours.WARM_UP
    training.run(137)
    assert training.trainer.step == ours.WARM_UP + 137
    assert math.isfinite(training.trainer.best.likelihood[0])


def test_an_engine_is_in_place_before_its_steps_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    class Instant:
        """Stands for the choice of an engine, without a compiler."""

        def __init__(self, trainer: Trainer, wish: str) -> None:
            self._trainer, self._wish = trainer, wish

        def insist(self, cancelled: Callable[[], bool]) -> None:
            assert self._trainer.step == 0 and not cancelled()
            self._trainer.engine.name = self._wish

    monkeypatch.setattr("gmstudio.training.engines.choice.Choice", Instant)
    trained = ours.experiment(Architecture("real-nvp", 1, 4), batch=8, engine="compiled")
    training = ours.Training(trained, ours.dataset(2, 100), engine="compiled", device="cpu")
    assert training.trainer.engine.name == "compiled"
    assert trained.run.training.engine == "compiled"


def test_an_engine_that_cannot_be_had_is_left_out_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("zuko")

    def settle(trainer: Trainer, engine: str) -> None:
        if engine == "compiled":
            raise SpecError("There is no boiler.", "Buy one.", "engine")

    monkeypatch.setattr(ours, "settle", settle)
    how = settings.Settings("cpu", ("eager", "compiled"), 1, 0.001, "", None)
    config = train.Config(Architecture("real-nvp", 1, 4), 8)
    assert [row.engine for row in train.measure(config, how)] == ["eager"]
    assert "There is no boiler." in capsys.readouterr().out


def test_a_library_that_fails_is_named_and_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    def fail(n: int) -> None:
        raise RuntimeError("tensors on two devices\nmore of it")

    assert settings.works("zuko", lambda n: None)
    assert not settings.works("zuko", fail)
    assert capsys.readouterr().out == "zuko fails here and is left out: tensors on two devices\n"

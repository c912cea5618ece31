"""The benchmark of autoencoders compares like with like, and says what is missing."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
import torch

from gmstudio import cli
from gmstudio.bench import ours, vaes
from gmstudio.bench.peers import pythae as peer
from gmstudio.training.trainer import Trainer

QUICK = ["--rounds", "2", "--seconds", "0.001", "--engine", "eager"]


@pytest.mark.parametrize("kind", vaes.KINDS)
def test_the_peer_has_networks_of_the_same_size(kind: peer.Kind) -> None:
    pytest.importorskip("pythae")
    config = vaes.Config(kind, 6, 8, hidden=12, latent=3)
    trainer = Trainer(vaes.experiment(config, "eager"), ours.dataset(6, rows=100))
    own = sum(parameter.numel() for parameter in trainer.model.parameters())
    model = peer.build(kind, 6, 3, [12, 12], draws=vaes.DRAWS, flows=vaes.FLOWS)
    theirs = sum(parameter.numel() for parameter in model.parameters())
    # The context: one number more of the encoder, and a layer of its own in each step of the flow.
    assert own - theirs == (13 + vaes.FLOWS * 24 if kind == "VAE-IAF" else 0)


def test_the_peers_loop_changes_all_its_parameters() -> None:
    pytest.importorskip("pythae")
    torch.manual_seed(3)
    model = peer.build("VAE-IAF", 4, 2, [8, 8], draws=2, flows=2)
    before = [parameter.detach().clone() for parameter in model.parameters()]
    peer.loop(model, torch.randn(50, 4), 16)(3)
    after = list(model.parameters())
    # A masked weight that leads nowhere stays, so that whole tensors are looked at.
    assert all(not torch.equal(old, new) for old, new in zip(before, after, strict=True))


def test_the_benchmark_of_autoencoders_writes_a_row_for_each_engine_and_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pythae")
    monkeypatch.setattr(vaes, "CONFIGS", tuple(vaes.Config(kind, 4, 8, hidden=4, latent=2) for kind in vaes.KINDS))
    out = tmp_path / "vaes.json"
    assert cli.main(["bench", "vaes", *QUICK, "--json", str(out)]) == 0
    rows = json.loads(out.read_text())
    assert [row["engine"] for row in rows] == ["eager", "limit"] * 3
    assert all(
        row["peer"] == "pythae" and row["ratio"] == pytest.approx(row["ours"] / row["peer_value"]) for row in rows
    )
    assert [row["bar"] for row in rows] == [vaes.BAR, None] * 3


def test_a_missing_pythae_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert cli.main(["bench", "vaes", *QUICK, "--only", "VAE, 256^2, L 8, D 64, batch 128"]) == 0
    printed = capsys.readouterr().out
    assert "skipped" in printed and "pythae==0.1.2" in printed


def test_the_limit_makes_the_products_of_a_step_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[tuple[int, int, int]] = []
    product = torch.mm

    def counted(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        called.append((a.shape[0], a.shape[1], b.shape[1]))
        return product(a, b)

    monkeypatch.setattr(torch, "mm", counted)
    vaes.limit(vaes.Config("IWAE", 6, 8, hidden=12, latent=3), "cpu")(1)
    layers = [(6, 12, 8), (12, 12, 8), (12, 6, 8), (3, 12, 40), (12, 12, 40), (12, 6, 40)]
    forward_and_back = 3 * sum(own * out * n for own, out, n in layers) - 6 * 12 * 8
    assert sum(a * b * c for a, b, c in called) == forward_and_back

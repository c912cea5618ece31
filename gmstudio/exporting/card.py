"""The model card of an exported folder."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from gmstudio import registry
from gmstudio.models.layers.latent import IMPORTANCE
from gmstudio.runs import RunSpec


def card(run: RunSpec, config: dict[str, Any]) -> str:
    """The text of ``README.md``.

    Args:
        run: what was trained.
        config: the content of ``config.json``.
    """
    data, model = registry.of(run.data), registry.of(run.model)
    rows = "\n".join(f"| {name} | {value} |" for name, value in _facts(run, config).items())
    return f"""# {_line(config["title"])}: {model.title} trained on {data.title}

{model.summary}

| | |
|---|---|
{rows}
{_edited(config["training"]["edits"])}
## Use

```python
import gmstudio

model = gmstudio.load("path/to/this/folder")
x = model.sample(1000, seed=0)  # (1000, {config["dim"]}), in the units of the data
model.log_prob(x)               # (1000,), nats
model.score(x)                  # (1000, {config["dim"]})
```

`gmstudio.load` needs PyTorch and no window. `model.to(torch.float64)` computes in double precision.

`model.safetensors` holds the weights; `config.json` holds the names and settings from which the network is built, the
standardisation `(x - shift) / scale`, the complete specification of the run and the versions that made it.
There is no code in this folder.

## Specification

```json
{json.dumps(_short(config["run"]), indent=2, ensure_ascii=False)}
```

## Limits and licence

A density learned from {config["data"]["points"]:,} points is a guess between them; far from them its values say little.

Made with GM Studio {config["versions"]["gmstudio"]} (MIT licence). The weights carry no licence of their own: the terms
of the data and the wishes of whoever trained them decide. Write yours here before you pass the folder on.
"""


def _facts(run: RunSpec, config: dict[str, Any]) -> dict[str, str]:
    data, model, training = config["data"], registry.of(run.model), run.training
    record, likelihood = config["training"], config["metrics"]["validation"]
    best = ", those with the best validation likelihood" if record["weights"] == "best" else ""
    by = "" if "density" in run.model.offers else f" by importance sampling, {IMPORTANCE} draws a point"
    return {
        "Model": model.title + (f" ({model.reference})" if model.reference else ""),
        "Data": f"{registry.of(run.data).title}, {data['points']:,} points of {config['dim']} columns "
        f"(SHA-256 {data['sha256'][:16]}…)",
        "Objective": registry.of(run.objective).title,
        "Mollification": _mollification(run),
        "Training": f"{training.optimiser.title()}, rate {training.rate:g} ({training.decay}), "
        f"batches of {training.batch:,}, seed {training.seed}",
        "Weights": f"of step {record['step']:,} of {record['steps']:,}{best}",
        "Validation log-likelihood": "unknown"
        if likelihood is None
        else f"{likelihood:.4f} nats a point{by}, on {data['validation_points']:,} points that were not trained on",
    }


def _mollification(run: RunSpec) -> str:
    if run.mollification.off:
        return "none"
    schedule = registry.of(run.mollification)
    start = float(run.mollification.variance(np.zeros(1))[0])
    kind = "by blur, from" if run.mollification.by == "blur" else "Gaussian, σ² from"
    return (
        f"{kind} {start:.3g} along the schedule “{schedule.title}” over {run.mollification.until:.0%} "
        "of the training (Tran et al., NeurIPS 2023)"
    )


def _edited(edits: int) -> str:
    if not edits:
        return ""
    times = "once" if edits == 1 else f"{edits} times"
    return f"\nThe run was edited {times} while it trained; its specification is that of its start.\n"


def _line(text: str) -> str:
    """One line of plain text: titles come from people."""
    return " ".join(text.split()).replace("|", "/").replace("<", "&lt;").lstrip("# `") or "Model"


def _short(plain: Any) -> Any:
    """Long lists and texts, such as drawings, cut: `config.json` has them whole."""
    if isinstance(plain, dict):
        return {key: _short(value) for key, value in plain.items()}
    if isinstance(plain, (list, tuple)):
        return [_short(value) for value in plain[:8]] + (["…"] if len(plain) > 8 else [])
    if isinstance(plain, str) and len(plain) > 200:
        return plain[:200] + "…"
    return plain

"""One SQLite file a project: data, specs, metrics, frames, checkpoints, each committed as it happens."""

"""Figures of the learned parts of mapping, on labelled files: `python -m benchmarks.meaning NAME --train FILE …`."""

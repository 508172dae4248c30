"""Every claim about speed and memory, measured beside a peer: `python -m benchmarks`."""

"""What can be proved to others: an append-only log. Empty until the gate has something to log."""

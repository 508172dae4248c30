"""Which rules fire, which of them are shown, and what became of them."""

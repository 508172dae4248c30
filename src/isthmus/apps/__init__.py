"""Applications that plug in: the contract they are written against, the manager that runs them, and our own."""

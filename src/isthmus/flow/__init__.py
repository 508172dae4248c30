"""The door in: a tuple of steps and one loop that carries a delivery from its bytes to a published edition."""

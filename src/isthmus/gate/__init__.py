"""The door out: a session answers a question under a grant, or refuses."""

"""Studies: questions put to a session, and what the answers amount to."""

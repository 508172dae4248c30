"""What becomes of a registry that was written: its report, and the forms in which other programs read it."""

"""How well a table of persons hides them, and the mildest generalisation that hides them well enough."""

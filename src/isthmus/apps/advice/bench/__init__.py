"""The test bench: what rules would have done to all patients of an edition, in a fixed number of statements."""

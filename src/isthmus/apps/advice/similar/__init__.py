"""Patients of the same disease who are most like one, what they share, and what became of them."""

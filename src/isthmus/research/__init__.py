"""Phenotypes, cohorts, registries, studies, and their methods."""

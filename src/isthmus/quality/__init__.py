"""Verdicts on tables: `checks` are those of the OHDSI Data Quality Dashboard. Profiles and scorecards come beside."""

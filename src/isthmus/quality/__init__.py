"""Verdicts on tables: checks as data, profiles, scorecards. Empty until the checks come."""

"""Arithmetic on arrays: no table, no engine, no hospital in sight."""

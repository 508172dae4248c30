"""Identifiers and dates as people type them: checked, made plain, and never silently mended.

Every function takes a column of texts and gives a table of the same length; `reason` is null where the text is good,
and else one word that says what is wrong. No value is ever put into an error or a log.
"""

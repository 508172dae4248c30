"""The checks of the OHDSI Data Quality Dashboard, as data, evaluated by a few statements for each table.

`catalogue` reads them, `plan` compiles those that a CDM's `layout` allows into statements, `verdict` turns the counts
into passed, failed, not applicable or error, `rows` lists what was wrong, and `document` writes the dashboard's own
form. No engine is known here: whoever has one runs the statements and hands the rows back.
"""

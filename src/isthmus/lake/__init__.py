"""Where bytes live: the landing, Delta tables, editions, engines.

The only room that names an engine or a table format. Two doors lead in: `flow` writes, `gate` reads.
"""

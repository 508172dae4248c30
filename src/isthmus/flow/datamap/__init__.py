"""The map of the data: what an edition holds and how fresh it is (`held`), from which columns of which export each
column is filled (`lineage`), what is found in it by name (`find`), and the runs as events of OpenLineage (`events`).
"""

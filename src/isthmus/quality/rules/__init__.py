"""Rules about records as a hospital delivered them, as data: front page, settlement list, laboratory reports, orders.

A rule set is a YAML file that says which records it is about, and a CSV file with a rule on each line; every line names
its source (a line of `sources.csv`) and how far it was checked. `frontpage.points.csv` has the points of the
front page's score, `grading.csv` the items of the EMR grading that are counted in the lake, `requirements.csv` what
ratings ask and what speaks of it here. None of the texts is copied from a standard.
"""

"""Grades of data: what each column needs before it may be read, the decision on a question, and its rewriting.

`column.csv` gives every column of the CDM a grade of GB/T 39725 (1 public to 5 strictest) and the measure that lowers
it. The grades are a proposal of this project, not the text of the standard.
"""

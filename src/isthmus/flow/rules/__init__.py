"""Rules about delivered records: read again from the landing, judged by one statement for each lot (`judge`), kept with
the edition (`kept`); and the same four dimensions counted in the lake's tables (`grading`).
"""

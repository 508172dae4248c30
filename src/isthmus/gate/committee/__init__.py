"""The data use committee: from an application to a grant and its end.

What happens are events, in order; where a case stands is a fold over them. `case.step` admits one event or refuses it
with the reason and what to do next. Who may do what when is `acts.csv`.
"""

"""Search over guidelines and literature: whole text in Chinese and English, and what is meant by another name.

`words` cuts texts into grams. `index` makes segments of passages, which `library` keeps in the application's own
tables, of folders that an installation names. `asking` turns what somebody typed into clauses, a concept's names in
both languages among them; `ranking` reckons, and `finding` puts the parts together.
"""

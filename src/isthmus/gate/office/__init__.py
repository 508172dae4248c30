"""Where people act: every act is a record and an entry in the log, or it has not happened.

`desk.py` of the gate is where questions of several steps are put together; the office is where people's standing is:
accounts, cases, sessions under a grant, releases, and what can be shown of them afterwards.
"""

"""A client of the API for programs in Python: grants, their tables as Arrow, questions.

client = Client("https://isthmus.example", token)
rows = client.grant("GR…").table("measurement").arrow()
"""

from isthmus.serving.client.client import Client, Failed, Grant, Table

__all__ = ["Client", "Failed", "Grant", "Table"]

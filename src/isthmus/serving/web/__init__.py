"""The workbench: pages in English and Chinese over one workspace, rendered on the server, behind the one gate.

`app.py` puts it together. A page is three files of one name in `pages/`: the module that makes its view, its template,
and its words in both languages. What every page has (bars, ribbon, tables, errors) lies in `shell/`.
"""

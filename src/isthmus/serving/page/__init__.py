"""The demo's page: one self-contained HTML file in English and one in Chinese.

`demo.py` writes it, `view.py` turns what the demo found into what is shown, `charts.py` draws, `words.yaml` holds every
sentence in both languages, `tokens.py` every colour. The page needs no script and no network, follows the reader's
light or dark setting, and can be printed.
"""

"""Vocabularies at work: code lists loaded from packs (`pack`), the index of the search (`search`), and the service that
looks up, validates, translates and expands (`service`). How codes decide on mappings is `flow.vocabulary`.
"""

"""The evidence that a hospital hands in for a rating: rules, score, four dimensions and what requirements stand on.
`evidence` gathers the values, `write` makes HTML, PDF and CSV of them, in English and in Simplified Chinese.
"""

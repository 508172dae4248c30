"""A hospital's scorecard, for its own people: what it delivered, what became of it, what is wrong and how it is mended.
`card` gathers the values, `write` makes HTML and PDF of them, in English and in Simplified Chinese.
"""

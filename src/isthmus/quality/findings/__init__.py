"""What is wrong with a hospital's data, as its own people can act on it: findings, their words in English and Chinese,
and days on which a feed was silent. Pure; `flow.findings` gathers them from an edition.
"""

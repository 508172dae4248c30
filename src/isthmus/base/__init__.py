"""Words with no medicine in them: errors, clock, identities, progress, durable files, documents.

Would it make sense in a program about bananas? Then it may live here.
"""

"""Words with no medicine in them: errors, settings, clock, identities, progress, durable files, ports.

Would it make sense in a program about bananas? Then it may live here.
"""

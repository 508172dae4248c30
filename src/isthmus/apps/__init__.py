"""Applications that plug in. Empty until the hook contract comes."""

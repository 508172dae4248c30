"""The pages, one module each, in the order of the side bar."""

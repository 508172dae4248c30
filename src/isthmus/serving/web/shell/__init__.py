"""What every page has: its frame, tables and their files, source marks, words, style and safety."""

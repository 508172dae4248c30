"""The map of the data as a page, complete in itself: from which feed into which table, how full and how fresh."""

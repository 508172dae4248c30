"""Command line, pages, workers. The only room where parts are put together."""

"""The manager: what installs, runs, replaces and stops applications."""

"""CDS Hooks 2: what callers send and are told, and the services that answer."""

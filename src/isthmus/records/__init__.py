"""What people and runs decide day by day: receipts, parts, batches. SQL and transactional; SQLite by default."""

"""PostgreSQL and the file store: connections, transactions, migrations, blobs."""

"""The database: the only package that uses SQL. The same code serves SQLite (the default) and PostgreSQL."""

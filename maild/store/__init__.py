"""The store: the only room that knows SQL. SQLite by default, PostgreSQL by the same code."""

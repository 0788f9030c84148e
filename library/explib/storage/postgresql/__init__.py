"""PostgreSQL with pgvector: many machines on one database."""

"""The database: tables, the engine seam, and one class for each kind of thing that is kept."""

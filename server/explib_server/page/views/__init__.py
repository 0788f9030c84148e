"""The data of each view of the page, a module a view. They read; every change goes by the curating tools."""

"""The program's settings and each library's."""

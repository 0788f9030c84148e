"""Whose lessons: the project of a working folder, its library, and the layers that are served with it."""

from explib_server.projects.project import Project, project_of

__all__ = ["Project", "project_of"]

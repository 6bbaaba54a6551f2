"""The composition root: application, command line, settings, embedded database."""

"""The launcher: a program of its own that seals one command, watches it and reports.

It starts with every sealed run, so it imports only what starts fast: no dataclasses, no pathlib.
"""

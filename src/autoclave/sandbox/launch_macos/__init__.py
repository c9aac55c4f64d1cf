"""The launcher for macOS: the same orders and reports, by way of Apple's `sandbox-exec`.

Written from documentation and from published profiles, never run on a Mac by us. All that is plain
POSIX in it is tested elsewhere.
"""

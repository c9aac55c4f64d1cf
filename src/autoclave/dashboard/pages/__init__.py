"""The pages, each imported when it is first looked at."""

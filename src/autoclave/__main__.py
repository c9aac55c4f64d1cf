"""`python -m autoclave` is the same as `autoclave`."""

from .cli import main

if __name__ == "__main__":
    main()

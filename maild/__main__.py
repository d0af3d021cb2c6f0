"""`python -m maild` is the same as `maild`."""

from maild.cli import main

# The guard is needed because a worker process may import this module again.
if __name__ == "__main__":
    main()

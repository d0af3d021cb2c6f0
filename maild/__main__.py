"""`python -m maild` is the same as `maild`."""

from maild.cli import main

# Guarded: a worker process that starts afresh imports this module again.
if __name__ == "__main__":
    main()

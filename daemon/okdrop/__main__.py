"""`python -m okdrop` is `okdrop`."""

from okdrop.cli import main

if __name__ == "__main__":
    main()

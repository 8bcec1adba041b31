"""`python -m okdrop` is `okdrop`."""

from okdrop.entry import main

if __name__ == "__main__":
    main()

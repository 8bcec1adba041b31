"""What okdrop costs and achieves, each figure against its reference in the same run: `make bench`."""

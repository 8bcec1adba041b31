"""okdrop watches folders and puts every video dropped there on OK.ru: once, whole, published."""

__version__ = "0.1.0"

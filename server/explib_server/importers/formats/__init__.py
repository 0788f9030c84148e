"""The formats of graded logs, one a module, each a `FORMAT` that recognises its files and reads them."""

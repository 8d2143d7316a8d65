"""How a text takes up the time in which it is said."""

"""Sessions and results in folders of this machine."""

"""MongoDB: the only part of HotStream that imports the driver."""

"""Facts of the installation and the wiring."""

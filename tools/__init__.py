"""Programs for those who try and who change Sealmon; none of them is installed."""

"""The sealmon command."""

"""The parts of ``tests/forge.py``: one module per family of attack, and the shapes of clients."""

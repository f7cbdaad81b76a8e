"""``python -m app.cli`` is ``sealmon``."""

from app.cli.main import main

main()

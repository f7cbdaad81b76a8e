"""The sealmon command: the administrator's verbs for terminals and scripts.

A verb reads its arguments, calls one function of app.model or app.mta and shows what came back.
What holds for all of them is in frame.py: ``--json``, exit status 0, 1 and 2, one line of bad news
on stderr, never a traceback.
"""

from app.cli.main import main

__all__ = ["main"]

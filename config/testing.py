"""The wiring for tests: the machine with its state functions, and nothing that listens."""

from app.mta import machine

machine.install()

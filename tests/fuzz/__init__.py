"""Fuzzing: five targets with their oracles, and the ledger of what they have seen."""

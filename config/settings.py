"""The facts of this installation.

Everything that is not a fact of the installation (domains, keys, partners, policy …) is in the
database and changed with the ``sealmon`` command. Each setting can be overridden by an environment
variable of its name in capitals behind ``SEALMON_``, as ``SEALMON_NEXT_HOP``. docs/settings.md
explains each one. Salmon reads this module, and config/boot.py sets ``receiver`` in it.
"""

database = "sqlite:///run/sealmon.db"
master_key = "file:run/keys/master.key"

listen_lmtp = "127.0.0.1:8824"
listen_smtp = "127.0.0.1:8823"
listen_submission = ""
listen_submissions = ""

next_hop = "maildir:run/delivered"
next_hop_inbound = ""
next_hop_outbound = ""

workers = 0
hostname = ""
language = "de"
message_octets = 50 * 1024 * 1024
revocation_fetch = "on"
issuer_fetch = "off"
fetch_networks = ""
fetch_ports = "80"
fetch_proxy = ""
resolver = "127.0.0.1:53"
log_level = "INFO"

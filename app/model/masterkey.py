"""The file that holds the master key, with which every private key of the store is sealed.

Made once, by ``sealmon init``, readable by its owner alone. Without it the store still verifies
and encrypts, and no private key can be used: keep a copy where the database's backup is not.
"""

import os
import stat
from pathlib import Path

from app.model.errors import Refused
from app.pki.errors import CannotUnseal
from app.pki.sealing import MasterKey, new_master_key

_OCTETS_AT_MOST = 64 * 1024
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def create_master_key(path: Path) -> MasterKey:
    """Make a new master key in this file (0600, its folder 0700) and return it.

    Raises Refused if the file is there already or cannot be written.
    """
    octets = new_master_key()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(octets)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError as error:
        raise Refused(f"{path}: there is a master key already; it is not overwritten") from error
    except OSError as error:
        raise Refused(f"{path}: {error.strerror}: the master key cannot be written") from error
    return MasterKey.load(octets)


def read_master_key(path: Path) -> MasterKey:
    """Return the master key of this file. Raises Refused with what is wrong and what to do."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            octets = file.read(_OCTETS_AT_MOST)
    except FileNotFoundError as error:
        raise Refused(
            f"{path}: no master key there; put its copy back, or run sealmon init if all is new"
        ) from error
    except OSError as error:
        raise Refused(f"{path}: {error.strerror}: the master key cannot be read") from error
    if mode & _OTHERS:
        raise Refused(f"{path}: others may read the master key; run chmod 600 {path}")
    try:
        return MasterKey.load(octets)
    except CannotUnseal as error:
        raise Refused(f"{path}: {error}") from error

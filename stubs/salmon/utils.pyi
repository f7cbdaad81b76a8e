from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

settings: ModuleType | None

def import_settings(boot_also: bool, boot_module: str = "config.boot") -> ModuleType: ...
def daemonize(
    pid: str,
    chdir: str,
    chroot: str | None,
    umask: int | None,
    files_preserve: Iterable[Any] | None = None,
    do_open: bool = True,
) -> Any: ...
def drop_priv(uid: int, gid: int) -> None: ...
def make_fake_settings(host: str, port: int) -> ModuleType: ...
def check_for_pid(pid: str, force: bool) -> None: ...
def start_server(
    pid: str,
    force: bool,
    chroot: str | None,
    chdir: str,
    uid: int | None,
    gid: int | None,
    umask: int | None,
    settings_loader: Callable[[], Any],
    debug: bool,
    daemon_proc: bool,
) -> None: ...

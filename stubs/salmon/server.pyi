from typing import Any

def undeliverable_message(raw_message: Any, failure_type: str) -> None: ...

class SMTPError(Exception):
    code: int
    message: str
    def __init__(self, code: int, message: str | None = None) -> None: ...
    def error_for_code(self, code: int) -> str: ...

class Relay:
    hostname: str
    port: int
    debug: int
    username: str | None
    password: str | None
    ssl: bool
    starttls: bool
    lmtp: bool
    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 25,
        username: str | None = None,
        password: str | None = None,
        ssl: bool = False,
        starttls: bool = False,
        debug: int = 0,
        lmtp: bool = False,
    ) -> None: ...
    def deliver(self, message: Any, To: Any = None, From: Any = None) -> None: ...
    def send(self, To: str, From: str, Subject: str, Body: str) -> None: ...
    def reply(self, original: Any, From: str, Subject: str, Body: str) -> None: ...

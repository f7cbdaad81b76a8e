from collections.abc import Mapping
from typing import Any, Protocol

from salmon.mail import MailResponse

# jinja2.Environment fits; get_template's further parameters have defaults.
class _Loader(Protocol):
    def get_template(self, name: Any, /) -> Any: ...

LOADER: _Loader | None

def load(template: str) -> Any: ...
def render(variables: Mapping[str, Any], template: str) -> str: ...
def respond(
    variables: Mapping[str, Any], Body: str | None = None, Html: str | None = None, **kwd: str
) -> MailResponse: ...
def attach(
    msg: MailResponse,
    variables: Mapping[str, Any],
    template: str,
    filename: str | None = None,
    content_type: str | None = None,
    disposition: str | None = None,
) -> None: ...

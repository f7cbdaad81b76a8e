"""The source as the rules read it: files, trees, imports, comments and docstrings."""

import ast
import io
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


def python_files(*folders: str) -> list[Path]:
    """Return every Python file below the folders, relative to the project."""
    return sorted(
        file.relative_to(ROOT) for folder in folders for file in (ROOT / folder).rglob("*.py")
    )


@cache
def tree(file: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse((ROOT / file).read_text("utf-8"))


def imports(file: Path) -> Iterator[tuple[str, int]]:
    """Give the full name of every module that a file imports, and the line."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file}:{node.lineno} imports relatively"
            assert node.module is not None
            yield node.module, node.lineno
            # "from app import clock" imports app.clock.
            for alias in node.names:
                if node.module == "app":
                    yield f"app.{alias.name}", node.lineno


def calls(file: Path) -> Iterator[tuple[str, ast.Call]]:
    """Give every call of a file with the dotted name of what is called."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def prose(file: Path) -> Iterator[str]:
    """Give every comment and docstring of a file."""
    text = (ROOT / file).read_text("utf-8")
    block = ""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            block += f" {token.string.lstrip('# ')}"
        elif token.type not in {tokenize.NL, tokenize.INDENT, tokenize.DEDENT}:
            if block:
                yield block
            block = ""
    for constant in _docstrings(file):
        yield " ".join(str(constant.value).split())


def _docstrings(file: Path) -> Iterator[ast.Constant]:
    """Give every string that stands alone: docstrings, and what explains an attribute."""
    for node in ast.walk(tree(file)):
        value = node.value if isinstance(node, ast.Expr) else None
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield value


def literals(file: Path) -> Iterator[tuple[str, int]]:
    """Give every string in a file that is no docstring, and the line."""
    docstrings = {id(constant) for constant in _docstrings(file)}
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Constant) and id(node) not in docstrings:
            yield from [(node.value, node.lineno)] if isinstance(node.value, str) else []

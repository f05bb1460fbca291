"""What a pickle of protocol 4 or 5 would import, read from its opcodes without running it: how scanners of model files look."""

import pickletools
from dataclasses import dataclass

# Opcodes that put a text on the machine's stack, from which STACK_GLOBAL takes module and name.
_TEXTS = ("SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "UNICODE")


@dataclass(frozen=True)
class Seen:
    """The imports that were found, the bytes that were read, and the error that ended the reading, or None."""

    imports: list[str]
    read: int
    error: str | None


def imports(data: bytes) -> Seen:
    """Return the names (module.name) that a pickle's opcodes import, as far as they can be read.

    It reads up to the first full stop, or to the first bytes that are no opcode, as arrays in the file aren't: compare
    `read` with the file's length.
    """
    found: list[str] = []
    read = 0
    texts: list[str] = []
    memo: list[str] = []
    last = ""
    try:
        for opcode, argument, at in pickletools.genops(data):
            read = (at or 0) + 1
            name = opcode.name
            if name == "PROTO":
                # A pickle within the pickle has a memory of its own.
                memo = []
            if name in _TEXTS:
                last = str(argument)
                texts.append(last)
            elif name == "MEMOIZE":
                memo.append(last)
            elif name in ("BINGET", "LONG_BINGET"):
                last = memo[argument] if isinstance(argument, int) and argument < len(memo) else ""
                texts.append(last)
            elif name == "STACK_GLOBAL":
                found.append(".".join(texts[-2:]))
                last = ""
            elif name in ("GLOBAL", "INST"):
                found.append(str(argument).replace(" ", "."))
                last = ""
            else:
                last = ""
    except Exception as error:
        # pickletools raises many kinds; each means that from here on nobody has looked.
        return Seen(found, read, f"{type(error).__name__}: {error}")
    return Seen(found, read, None)

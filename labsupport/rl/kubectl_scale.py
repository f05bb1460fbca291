"""What `kubectl scale` does to replicas: enough of the real program to see whether a command did what was asked.

It follows kubectl 1.36: a flag that is given twice counts the last time; several names are all scaled, but those that are not
there; `--dry-run=client` and `--dry-run=server` change nothing; `--current-replicas` is a condition, and the first that does
not meet it ends the command. Flags beyond these and `-n` are not modelled.
"""

import re
import shlex
from collections.abc import Mapping

# Only a full name may be written in any case: of a short one and of a group it counts.
KIND = re.compile(r"(deploy|(?i:deployments?))(\.(v1\.)?apps)?", re.ASCII)
SHORT = {"-n": "--namespace"}
WITH_VALUE = {"--namespace", "--replicas", "--current-replicas", "--timeout"}
WHOLE = re.compile(r"([+-]?)([0-9][0-9a-zA-Z_]*)", re.ASCII)
DURATION = re.compile(r"0|((\d+\.?\d*|\.\d+)(ns|us|ms|s|m|h))+")


class Refused(Exception):
    """What kubectl answers to a command that it does not do."""


class NotModelled(Exception):
    """A flag of which this model can't say what kubectl does with it."""


def scale(command: str, cluster: Mapping[tuple[str, str], int]) -> dict[tuple[str, str], int]:
    """Return the replicas of each (namespace, deployment) after the command.

    Raises Refused where kubectl would refuse and scale nothing, and NotModelled for a flag that only kubectl knows.
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise Refused(f"the shell can't read it: {error}") from None
    if words[:1] == ["kubectl"] and words[1:2] and words[1].startswith("-"):
        raise NotModelled(f"{words[1]} before `scale`")
    if words[:2] != ["kubectl", "scale"]:
        raise Refused("it does not begin with `kubectl scale`")
    flags, names = _parsed(words[2:])
    space, after = flags.get("--namespace", "default"), dict(cluster)
    if "--replicas" not in flags:
        raise Refused('required flag(s) "replicas" not set')
    wanted = _whole(flags["--replicas"], "--replicas")
    if wanted < 0:
        raise Refused("The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0")
    if not DURATION.fullmatch(flags.get("--timeout", "0")):
        raise Refused(f'invalid argument "{flags["--timeout"]}" for "--timeout" flag: invalid duration')
    expected = _whole(flags.get("--current-replicas", "-1"), "--current-replicas")
    asked = _deployments(names)
    there = [name for name in asked if (space, name) in cluster]
    if not there:
        raise Refused(f'deployments.apps "{asked[0]}" not found in the namespace {space}')
    for name in there:
        now = cluster[space, name]
        if expected not in (-1, now):
            if name == there[0]:
                raise Refused(f"expected replicas to be {expected}, was {now}")
            # Those before it are scaled already.
            break
        after[space, name] = wanted
    return dict(cluster) if flags.get("--dry-run", "none") != "none" else after


def _parsed(words: list[str]) -> tuple[dict[str, str], list[str]]:
    flags: dict[str, str] = {}
    names, rest = [], list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-"):
            names.append(word)
            continue
        name, sign, value = word.partition("=")
        if not name.startswith("--") and len(name) > 2:
            # -nprod is -n prod
            name, sign, value = name[:2], "=", name[2:] + sign + value
        name = SHORT.get(name, name)
        if name == "--dry-run":
            flags[name] = value or "client"
            if flags[name] not in ("none", "client", "server"):
                raise Refused(f'Invalid dry-run value ({flags[name]}). Must be "none", "server", or "client".')
        elif name in WITH_VALUE:
            if not sign and not rest:
                raise Refused(f"flag needs an argument: {name}")
            flags[name] = value if sign else rest.pop(0)
        else:
            raise NotModelled(name)
    return flags, names


def _deployments(names: list[str]) -> list[str]:
    if not names:
        raise Refused("it names no resource")
    if all("/" in name for name in names):
        pairs = [name.split("/", 1) for name in names]
    elif any("/" in name for name in names):
        raise Refused(
            "there is no need to specify a resource type as a separate argument when passing arguments in resource/name form"
        )
    else:
        pairs = [[names[0], name] for name in names[1:]]
    if not pairs:
        raise Refused("resource(s) were provided, but no name was specified")
    for kind, _ in pairs:
        if not KIND.fullmatch(kind):
            raise Refused(f"this cluster has no {kind}")
    return [name for _, name in pairs]


def _whole(text: str, flag: str) -> int:
    # As Go's strconv.ParseInt with base 0: 0x7 is 7, and 010 is 8.
    found = WHOLE.fullmatch(text)
    try:
        if found is None:
            raise ValueError
        sign, digits = found.groups()
        return int(sign + digits, 8 if re.fullmatch("0_?[0-9_]+", digits) else 0)
    except ValueError:
        raise Refused(f'invalid argument "{text}" for "{flag}" flag') from None

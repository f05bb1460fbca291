"""Lesson 503: usual mistakes, each with words of its own diagnosis, and right answers (see test_every_lesson)."""

HASH = "import hashlib\ndef md5(content):\n    return hashlib.md5(content).hexdigest()\n"


def version(body: str) -> str:
    return f"{HASH}def version(files):\n    {body}"


def changed(body: str) -> str:
    return f"def changed(before, after):\n    {body}"


def audit(*lines: str) -> str:
    return f"{HASH}def audit(commits, remote, cache):\n    " + "\n    ".join(lines)


HEALTHY = (
    "there = {n for n, content in remote.items() if md5(content) == n}",
    "here = {n for n, content in cache.items() if md5(content) == n}",
)
OLD_NEW = "old, new = before.set_index('deploy_id'), after.set_index('deploy_id')\n    "
BOTH = OLD_NEW + "both = old.index.intersection(new.index)\n    old, new = old.loc[both], new.loc[both]\n    "

WRONG = {
    "503.1": {
        "takes the order as it comes": (
            version("return md5(repr([(p, md5(c)) for p, c in files.items()]).encode())"),
            "the order of a listing is chance",
        ),
        "forgets capital letters": (
            version("return md5(repr(sorted((p.lower(), md5(c)) for p, c in files.items())).encode())"),
            "A.csv and a.csv are two files",
        ),
        "joins the contents": (
            version("return md5(b''.join(files[p] for p in sorted(files)))"),
            "contents that are joined have no border",
        ),
        "joins paths and contents": (
            version("return md5(b''.join(p.encode() + files[p] for p in sorted(files)))"),
            "path and content that are joined have no border",
        ),
        "sorts paths and hashes apart": (
            version("return md5(repr((sorted(files), sorted(md5(c) for c in files.values()))).encode())"),
            "keep each path beside its own hash",
        ),
        "counts equal contents once": (
            version("return md5(repr(sorted({md5(c): p for p, c in sorted(files.items(), reverse=True)}.items())).encode())"),
            "equal contents were counted once",
        ),
        "names no paths": (version("return md5(repr(sorted(md5(c) for c in files.values())).encode())"), "a step that reads a.csv finds none"),
        "looks at the first file": (
            version("first = sorted(files)[:1]\n    return md5(repr([(p, md5(files[p])) for p in first] + sorted(files)).encode())"),
            "or of the first one only",
        ),
        "puts ends of lines between files": (
            version("h = hashlib.md5()\n    for p in sorted(files):\n        h.update(p.encode() + b'\\n' + files[p] + b'\\n')\n    return h.hexdigest()"),
            "one that holds b'1\\nb\\n2'",
        ),
        "puts two signs between": (
            version("return md5(b';'.join(p.encode() + b':' + files[p] for p in sorted(files)))"),
            "a separator may stand in a content",
        ),
        "takes the last part of a path": (
            version("import os\n    return md5(repr([(os.path.basename(p), files[p]) for p in sorted(files)]).encode())"),
            "the whole path belongs to a file",
        ),
        "strips the contents": (
            version("return md5(repr([(p, files[p].strip()) for p in sorted(files)]).encode())"),
            "each byte counts",
        ),
        "takes Python's hash of the hashes": (
            version("return str(hash(tuple(sorted((p, md5(c)) for p, c in files.items()))))"),
            "salted anew",
        ),
        "takes Python's hash, in hexadecimal": (version("return hex(hash(str(sorted(files.items()))))"), "the same name tomorrow"),
        "takes Python's hash behind a letter": (version("return f'v{hash(frozenset(files.items()))}'"), "in each process"),
        "takes Python's hash": (version("return str(hash(frozenset(files.items())))"), "take hashlib"),
        "lists instead of naming": (version("return repr(sorted(files.items()))"), "the content stands in the name"),
        "returns bytes": (version("return hashlib.md5(repr(sorted(files.items())).encode()).digest()"), "`.hexdigest()`"),
        "returns a listing": (version("return sorted((p, md5(c)) for p, c in files.items())"), "a name is one text"),
        "adds the time": (
            version("import time\n    return md5(repr((time.perf_counter_ns(), sorted(files.items()))).encode())"),
            "the order of a listing",
        ),
    },
    "503.2": {
        "lets nan differ": (changed(BOTH + "return list(both[(old != new).any(axis=1)])"), "a gap that is still a gap is no change"),
        "compares by place": (
            changed(
                "n = min(len(before), len(after))\n"
                "    a, b = before.head(n).reset_index(drop=True), after.head(n).reset_index(drop=True)\n"
                "    d = (a != b) & ~(a.isna() & b.isna())\n"
                "    return list(b.deploy_id[d.any(axis=1)])"
            ),
            "not by their place",
        ),
        "counts new rows": (
            changed(OLD_NEW + "old = old.reindex(new.index)\n    d = (old != new) & ~(old.isna() & new.isna())\n    return list(new.index[d.any(axis=1)])"),
            "a new row has no version before",
        ),
        "counts rows that are gone": (
            changed(
                BOTH + "d = (old != new) & ~(old.isna() & new.isna())\n"
                "    return list(both[d.any(axis=1)]) + [i for i in before.deploy_id if i not in set(after.deploy_id)]"
            ),
            "a row that is gone",
        ),
        "overlooks gaps that were filled": (
            changed(BOTH + "d = (old != new) & old.notna() & new.notna()\n    return list(both[d.any(axis=1)])"),
            "a gap that was filled is a change",
        ),
        "overlooks values that became gaps": (
            changed(BOTH + "d = (old != new) & new.notna()\n    return list(both[d.any(axis=1)])"),
            "a value that became a gap is a change",
        ),
        "looks at outcomes only": (changed(BOTH + "return list(both[old.failed != new.failed])"), "leave out only those cells"),
        "wants every column changed": (
            changed(BOTH + "d = (old != new) & ~(old.isna() & new.isna())\n    return list(both[d.all(axis=1)])"),
            "a row reported when *any* of them changed",
        ),
        "reports a row twice": (
            changed(
                BOTH + "d = (old != new) & ~(old.isna() & new.isna())\n"
                "    return [i for c in d for i in both[d[c]]]"
            ),
            "a row in which two values changed is one row",
        ),
        "fills gaps with 0": (
            changed(BOTH + "differ = old.astype(object).fillna(0) != new.astype(object).fillna(0)\n    return list(both[differ.any(axis=1)])"),
            "makes a gap and a 0 the same",
        ),
        "answers for each row": (
            changed(BOTH + "return ((old != new) & ~(old.isna() & new.isna())).any(axis=1)"),
            "return the ids where it is true",
        ),
        "returns rows": (changed("return after"), "return the ids, not the rows"),
        "returns a generator": (changed("return (i for i in [])"), "make a list of it"),
        "returns nothing": (changed(BOTH.rstrip()), "no `return`"),
    },
    "503.3": {
        "believes the remote's names": (
            audit("there = set(remote)", HEALTHY[1], "return {c: 'safe' if not set(n) - there else 'lost' if set(n) - there - here else 'push' for c, n in commits.items()}"),
            "a copy in the remote counts only if",
        ),
        "believes the cache's names": (
            audit(HEALTHY[0], "here = set(cache)", "return {c: 'safe' if not set(n) - there else 'lost' if set(n) - there - here else 'push' for c, n in commits.items()}"),
            "a copy in the cache counts only if",
        ),
        "is content with any file": (
            audit(*HEALTHY, "return {c: 'safe' if set(n) & there or not n else 'push' if set(n) & here else 'lost' for c, n in commits.items()}"),
            "not just any",
        ),
        "wants the whole commit here": (
            audit(*HEALTHY, "return {c: 'safe' if not set(n) - there else 'push' if not set(n) - here else 'lost' for c, n in commits.items()}"),
            "needs no copy here",
        ),
        "pushes what it has": (
            audit(*HEALTHY, "return {c: 'safe' if not set(n) - there else 'push' if (set(n) - there) & here else 'lost' for c, n in commits.items()}"),
            "a push of one file does not bring the other",
        ),
        "asks for a healthy cache, too": (
            audit(*HEALTHY, "return {c: 'safe' if not set(n) - there and not set(n) - here else 'lost' if set(n) - there - here else 'push' for c, n in commits.items()}"),
            "what the remote has healthy needs no cache",
        ),
        "calls an empty commit lost": (
            audit(*HEALTHY, "return {c: 'lost' if not n or set(n) - there - here else 'push' if set(n) - there else 'safe' for c, n in commits.items()}"),
            "a commit without files lacks nothing",
        ),
        "lets the last file decide": (
            audit(
                "out = {}",
                "for commit, names in commits.items():",
                "    verdict = 'safe'",
                "    for n in names:",
                "        if n in remote and md5(remote[n]) == n:",
                "            continue",
                "        verdict = 'push' if n in cache and md5(cache[n]) == n else 'lost'",
                "    out[commit] = verdict",
                "return out",
            ),
            "a later file can't make up for a lost one",
        ),
        "joins the stores": (
            audit(
                "both = remote | cache",
                "healthy = lambda names, store: all(n in store and md5(store[n]) == n for n in names)",
                "return {c: 'safe' if healthy(n, remote) else 'push' if healthy(n, both) else 'lost' for c, n in commits.items()}",
            ),
            "only what it lacks must be in the cache",
        ),
        "answers by truth values": (audit("return {c: all(h in remote for h in n) for c, n in commits.items()}"), "another word, or a truth value"),
        "returns a list": (audit("return ['safe' for c in commits]"), "by the commit's name"),
        "returns nothing": (audit("pass"), "no `return`"),
    },
    "503.4": {
        "takes the lesson's own case": ('case = ("params.yaml", "C: 1.0", "C: 0.1")', "DVC would not skip it"),
        "changes a comment": ('case = ("columns.py", "What the model sees", "All that the model sees")', "everything comes out the same"),
        "breaks the script": ('case = ("columns.py", "np.log10", "np.log11")', "after the edit a step failed"),
        "edits what is not there": ('case = ("columns.py", "np.log2", "np.log")', "does not stand in"),
        "edits the data": ('case = ("data/deploys.csv", "web", "search")', "there is no file"),
        "hands over a file's name": ('case = "columns.py"', "a case is a triple"),
    },
}  # fmt: skip

RIGHT = {
    "503.1": {
        "with a running SHA-256": (
            "import hashlib\n"
            "def version(files):\n"
            "    whole = hashlib.sha256()\n"
            "    for path in sorted(files):\n"
            "        whole.update(hashlib.sha256(path.encode()).digest() + hashlib.sha256(files[path]).digest())\n"
            "    return whole.hexdigest()"
        ),
        "by paths as keys": (
            "import hashlib\n"
            "from pathlib import PurePath\n"
            "def version(files):\n"
            "    hashes = {PurePath(path): hashlib.md5(content).hexdigest() for path, content in files.items()}\n"
            "    return hashlib.md5(repr(sorted(hashes.items())).encode()).hexdigest()"
        ),
        "by JSON": (
            "import hashlib, json\n"
            "def version(files):\n"
            "    listing = {path: hashlib.sha1(content).hexdigest() for path, content in files.items()}\n"
            "    return hashlib.sha1(json.dumps(listing, sort_keys=True).encode()).hexdigest()"
        ),
    },
    "503.2": {
        "with loops": changed(
            "rows = {row['deploy_id']: row for row in before.to_dict('records')}\n"
            "    found = set()\n"
            "    for row in after.to_dict('records'):\n"
            "        old = rows.get(row['deploy_id'])\n"
            "        for name, value in row.items() if old else ():\n"
            "            if not (pd.isna(value) and pd.isna(old[name])) and value != old[name]:\n"
            "                found.add(row['deploy_id'])\n"
            "    return found"
        ),
        "by a merge": changed(
            "both = before[before.deploy_id.isin(after.deploy_id)]\n"
            "    merged = both.merge(after, how='left', on=list(before.columns), indicator=True)\n"
            "    return merged.deploy_id[merged._merge == 'left_only'].to_numpy()"
        ),
        "by compare": changed(
            BOTH + "return old.compare(new.loc[old.index, old.columns]).index.tolist()"
        ),
    },
    "503.3": {
        "file by file": audit(
            "def judge(names):",
            "    verdict = 'safe'",
            "    for n in names:",
            "        if n in remote and md5(remote[n]) == n:",
            "            continue",
            "        if n not in cache or md5(cache[n]) != n:",
            "            return 'lost'",
            "        verdict = 'push'",
            "    return verdict",
            "return {commit: judge(names) for commit, names in commits.items()}",
        ),
    },
    "503.4": {
        "leaves a column out": 'case = ["columns.py", "        rows[\\"coverage\\"],\\n", ""]',
        "turns night into day": 'case = ("columns.py", "hour >= 20", "hour >= 12")',
    },
}  # fmt: skip

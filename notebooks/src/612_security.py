# ---
# jupyter:
#   labs:
#     title: "Security"
#     question: Which files, callers, keys and images may a model server believe?
#     part: 6
#     will:
#       - load a model file that runs code, and see a scanner pass it
#       - sign a model, and serve only what a trusted key has signed
#       - encrypt a file of any size in constant memory, and try ten ways to change it
#       - ask for tokens, limit sizes and rates, and replace a token under load without a lost request
#       - let hypothesis attack the running server, and let the API server refuse images that may change
#     need: Lessons 601 (manifests), 604 (the server) and 502 (strict contracts).
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# ## The bridge
#
# You would not pipe a stranger's script into a shell. You pin packages, verify checksums, keep secrets out of git, and give each service
# the rights that it needs. A model server needs all of that, for what it loads **is a program or an answer machine that somebody
# else made**.
#
# The likeness ends at what a break-in looks like. A package that was exchanged crashes or phones home. A model that was exchanged
# answers 200, in time, in the right form, and wrongly.

# %% tags=["parameters"]
SEED = 0
CLUSTER = "auto"

# %% [markdown]
# ## See it: a model file that runs code
#
# Lesson 203's pipeline is saved with joblib, once as it is and once **poisoned**: loading the second file writes a text
# into a temporary folder, and nothing else. A real one would send your environment variables somewhere. Then a **scanner**, which reads what a
# file would import without running it, looks at a plain pickle of the same.

# %% tags=["setup"]
import base64
import copy
import hashlib
import json
import pickle

import httpx
import joblib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from labsupport import plots, scratch
from labsupport.cluster import lab as labs
from labsupport.exercises import (
    check,
    claim,
    guess,
    hint,
    quiz,
    reveal,
    solution,
    suppose,
    use,
)
from labsupport.ml import deploy_risk
from labsupport.world import deploy_records

plots.use_style()
PATIENCE = 240  # seconds for a start, on a busy machine
http = httpx.Client(
    trust_env=False, timeout=30, limits=httpx.Limits(max_keepalive_connections=0)
)

# %%
from labsupport.security import opcodes, poison

place = scratch.folder("612")
records = deploy_records(6_000, seed=SEED)[0]
risk = deploy_risk.train(seed=SEED)
table = deploy_risk.features(records).iloc[:200]
marker = place / "marker.txt"
joblib.dump(risk.pipeline, place / "good.joblib")
joblib.dump(poison.Poisoned(risk.pipeline, marker), place / "poisoned.joblib")
model = joblib.load(place / "poisoned.joblib")
same = np.array_equal(model.predict_proba(table), risk.pipeline.predict_proba(table))
print(type(model).__name__, "- the same 200 answers:", same)
print("marker.txt:", marker.read_text().partition(", and")[0])
claim("the model is the model, and code ran", same and marker.exists())

plain = pickle.dumps(poison.Poisoned(risk.pipeline, marker))
usual = ("sklearn.", "numpy.", "joblib.")
print(
    "a scan:",
    [name for name in opcodes.imports(plain).imports if not name.startswith(usual)],
)
guess("612.g1")

# %% [markdown]
# A pickle (joblib's files are pickles) is no data. It is a program for a small machine that may import and call anything. In a plain
# one the scanner sees the call, `runpy._run_code`. And in the files that joblib writes?

# %% tags=["nbval-ignore-output"]
files = {name: (place / f"{name}.joblib").read_bytes() for name in ("good", "poisoned")}
scans = {name: opcodes.imports(data) for name, data in files.items()}
for name, seen in scans.items():
    odd = [found for found in seen.imports if not found.startswith(usual)]
    print(
        f"{name:9} read {seen.read:4} of {len(files[name]):,} bytes, error {seen.error}: {odd}"
    )
named = any("runpy" in found for found in scans["poisoned"].imports)
reveal("612.g1", named)
claim(
    "both were read in part, without an error, and the call was not seen",
    not named
    and all(
        seen.error is None and seen.read < len(files[name]) / 2 for name, seen in scans.items()
    ),
)

figure, axes = plt.subplots(figsize=(6.4, 1.9))
for at, (name, data) in enumerate(files.items()):
    axes.barh(at, len(data), height=0.5, color="none", edgecolor=plots.RED, hatch="//")
    axes.barh(at, scans[name].read, height=0.5, color=plots.BLUE)
call = files["poisoned"].find(b"runpy")
axes.plot(call, 1, "v", color=plots.INK)
axes.text(call, 1.45, "the call", ha="center")
axes.set_yticks([0, 1], files)
axes.set(
    title="What a scanner reads of a joblib file (blue)",
    xlabel="bytes of the file",
    ylabel="file",
    ylim=(-0.5, 2),
)
plots.show(
    figure,
    alt="Two bars, one for each file. A blue part of about a third is what was read; the rest is hatched. A mark for the call lies in the hatched part of the poisoned file.",
    summary=f"read: {scans['good'].read} and {scans['poisoned'].read} bytes; the call stands at byte {call}.",
)

# %% [markdown]
# joblib writes arrays *between* the instructions, and an array of names as a whole pickle of its own. That one ends with a full
# stop, and the scanner takes it for the end of the file. (`_operator.getitem`, which it did see, harms nobody: the call comes later.)
# Real scanners have the same trouble. `error` is an exit code above 1, of a scanner that gave up:

# %%
from labsupport.security import benchmarked

scanned = benchmarked.scanners()
print(f"measured on {scanned['date']} (python benchmarks/scanners.py)")
print(pd.DataFrame(scanned["verdicts"]).set_index("file").to_string())
claim(
    "none of them tells the poisoned joblib file from the good one",
    benchmarked.separates(scanned, "joblib") == [],
)

# %% [markdown]
# So a scan is no permit. What helps is a **format that can't say "call this"**. skops, from lesson 201, stores scikit-learn models and names
# the types before it builds any; ONNX holds a computation from a fixed list of operations.

# %%
import skops.io

marker.unlink(missing_ok=True)
stored = skops.io.dumps(poison.Poisoned(risk.pipeline, marker))
try:
    skops.io.loads(stored)
except Exception as error:
    print(f"{type(error).__name__}: {error}")
claim("nothing ran", not marker.exists())

# %% [markdown]
# ### A safe format, and the wrong model
#
# Now the cluster. The server of lesson 604 gets the ONNX export, which is 1.5 kB, from a ConfigMap. It trusts everybody. A colleague with
# write access to the ConfigMap (or his stolen laptop) turns over the signs of the weights.

# %% tags=["nbval-ignore-output"]
lab = labs.start("612", CLUSTER)

# %%
from labsupport.cluster import tokens
from labsupport.serving import export

PARTS = {"app.kubernetes.io/part-of": "labs"}


def put_files(name, folder):
    """Make a ConfigMap hold the files of a folder, and no others."""
    data = {
        path.name: base64.b64encode(path.read_bytes()).decode() for path in folder.iterdir()
    }
    meta = {"name": name, "labels": PARTS}
    what = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "binaryData": data}
    if lab.snapshot().get("ConfigMap", name):
        lab.replace(what)
    else:
        lab.apply(what)
    tokens.hasten(lab, "deploy-risk")  # else a kubelet may take a minute to look


def post(path, body, token=None):
    """POST to the Service deploy-risk; return the answer."""
    said = {"Authorization": f"Bearer {token}"} if token else {}
    text = body if isinstance(body, (str, bytes)) else json.dumps(body)
    with lab.cluster.reach("deploy-risk", 8080, lab.namespace) as url:
        return http.post(url + path, content=text, headers=said)


deploy = {
    "lines_changed": 3000, "files_changed": 8, "author_deploys": 60, "tests_failed_before": 1,
    "coverage": 0.8, "dependency_bump": False, "friday": False, "hour": 22.5,
}  # fmt: skip
export.export_deploy_risk(risk, place / "model", records)
put_files("model", place / "model")
lab.apply("service.yaml")
lab.apply("broken/trusting.yaml")
lab.wait("deployment/deploy-risk", seconds=PATIENCE)
ready = lab.fetch("deploy-risk", 8080, "/v2/health/ready")
before = post("/predict", deploy).json()
print({key: before[key] for key in ("probability_of_failure", "hold")})
claim("this deploy is held", before["hold"])

# %%
guess("612.g3")

# %%
turned = copy.deepcopy(risk)
turned.pipeline[-1].coef_ *= -1
export.export_deploy_risk(turned, place / "turned", records)
put_files("model", place / "turned")
answer = labs.waiting.until(
    lambda: None if (found := post("/predict", deploy).json())["hold"] else found,
    "the server has loaded what is there now",
    PATIENCE,
)
print({key: answer[key] for key in ("probability_of_failure", "hold")})
ready = lab.fetch("deploy-risk", 8080, "/v2/health/ready")
metrics = lab.fetch("deploy-risk", 8080, "/metrics")
told = ("model_reload_failing", 'model_reloads_total{outcome="ok"}')
print(ready, [line for line in metrics.splitlines() if line.startswith(told)])
reveal("612.g3", not json.loads(ready)["ready"] or "model_reload_failing 0.0" not in metrics)
claim(
    "healthy, quick, and wrong",
    json.loads(ready)["ready"] and "model_reload_failing 0.0" in metrics,
)

# %% [markdown]
# One counter moved, `model_reloads_total`, as it does after each good update. The file ran no code. It is a perfect model of the opposite. A format says what a file *can do*; only a **signature** says who made it.
#
# ## Build it: what is signed
#
# With **Ed25519** whoever builds models has a private key, and servers have its public half. `key.sign(data)` makes 64 bytes that fit `data` and no
# other bytes; `public.verify(signature, data)` raises when they don't fit. A model is a folder of files. What are its `data`?

# %% [markdown]
# **Exercise 612.1 (7 minutes).** Write the bytes to be signed for a folder. Two folders that differ in anything a server could notice (contents,
# names, which content has which name, a file more or less) must give different bytes. The order in which a file system lists files must not matter.


# %% tags=["exercise"] exercise="612.1"
def signed_bytes(files):
    """Return the bytes to sign for a folder. `files`: a dictionary from each file's name (text) to its content (bytes)."""
    ### BEGIN SOLUTION
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    return json.dumps(digests, sort_keys=True).encode()
    ### END SOLUTION


# %%
check("612.1", signed_bytes)

# %%
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

signed_bytes = use("612.1", signed_bytes)
key = Ed25519PrivateKey.generate()
weights = (place / "model/model.onnx").read_bytes()
folder = {"model.onnx": weights, "README.md": b"held from 0.1 on"}
signature = key.sign(bytes(signed_bytes(dict(folder))))
changes = {
    "as it was": dict(folder),
    "another model": {**folder, "model.onnx": (place / "turned/model.onnx").read_bytes()},
    "one more file": {**folder, "plugin.py": b""},
    "renamed": {"model.onnx": weights, "readme.md": folder["README.md"]},
}
verdicts = {}
for what, files_now in changes.items():
    try:
        key.public_key().verify(signature, bytes(signed_bytes(dict(files_now))))
        verdicts[what] = "verified"
    except InvalidSignature:
        verdicts[what] = "refused"
print(verdicts)
claim(
    "only the folder that was signed verifies",
    [what for what, said in verdicts.items() if said == "verified"] == ["as it was"],
)

# %% [markdown]
# `labsupport.security.signatures` does the same, and signs a **name and a version** with it, so that no old model is passed off as a new one, and
# no other model as this one. (OpenSSF's `model-signing` has the same idea, for folders of many gigabytes.) The server copies the files, verifies its copy, and loads that: else
# somebody could exchange them between the two.

# %%
from labsupport.security import signatures

maker = signatures.new_key()
(place / "signers").mkdir(exist_ok=True)
(place / "signers/builders.pem").write_bytes(signatures.public_pem(maker))
signatures.sign(place / "model", maker, name="deploy-risk", version="7")
print((place / "model/signature.json").read_text()[:78], "...")
shown = signatures.verify(
    place / "model", signatures.trusted_in(place / "signers"), name="deploy-risk"
)
print(shown)

# %% [markdown]
# ### A file that nobody else reads
#
# A signature shows changes and hides nothing. Where the weights are a secret, the file is **encrypted** too. A typical tutorial does it so (the handout's *Model encryption*):

# %%
import inspect

from labsupport.security import sealing_trial

print(
    inspect.getsource(sealing_trial.fernet).partition('"""')[2].partition('"""')[2].strip("\n")
)
guess("612.g2")

# %% [markdown]
# The same on 64 MB of random bytes, and beside it a way that works through the file piece by piece. Each runs in a process of its own, which tells its largest memory:

# %% tags=["nbval-ignore-output"]
MB = 64
original = place / "weights.bin"
original.write_bytes(np.random.default_rng(SEED).bytes(MB * 10**6))
keys = sealing_trial.write_keys(place)
rows = []
for scheme in ("fernet", "stream"):
    sealed, back = place / f"weights.{scheme}", place / "back.bin"
    for verb, source, target in (("encrypt", original, sealed), ("decrypt", sealed, back)):
        took = sealing_trial.run(scheme, verb, source, target, keys[scheme])
        rows.append((scheme, verb, round(took.peak_mb), sealed.stat().st_size / 1e6))
    claim(f"{scheme} gives back every byte", back.read_bytes() == original.read_bytes())
peak = pd.DataFrame(rows, columns=["scheme", "verb", "peak MB", "file MB"])
print(peak.round(1).to_string(index=False))
most = peak.groupby("scheme")["peak MB"].max()
reveal("612.g2", float(peak["peak MB"].iloc[0]))
claim("at least 8 times the memory", most["fernet"] > 8 * most["stream"])
claim("and a third more disk", peak["file MB"].iloc[0] > 1.3 * MB)

# %% [markdown]
# Fernet wants the whole file in memory, several times over. (Its key must come from `Fernet.generate_key()`: a password is refused.) With 1 GiB it is no matter of taste any more:

# %%
sealing = benchmarked.encryption()
print(
    f"measured on {sealing['date']}, {sealing['gib']:g} GiB (python benchmarks/encryption.py)"
)
frame = pd.DataFrame(sealing["took"]).set_index("scheme")
print(frame.round(1).to_string())
quicker = (
    frame.seconds[frame.index == "fernet"].sum() / frame.seconds[frame.index == "stream"].sum()
)
print(f"both ways together: {quicker:.1f} times faster")
claim("30 MB are enough", frame.loc["stream", "peak_mb"].max() <= 30)
claim("and at least 7 times faster", quicker >= 7)

# %% [markdown]
# ### Chunks that know their place
#
# **AES-256-GCM** encrypts a piece and adds a *tag* of 16 bytes: any change of the piece is noticed. Cut a file into chunks, and each is safe by itself. But chunks can
# be exchanged, repeated, or left out, and each still fits its tag. GCM also takes a **nonce**, 12 bytes that may never be used twice with one key; it need not be secret. A chunk opens only with the nonce that
# it was sealed with. So let the nonce say where the chunk belongs:

# %%
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


def seal(cipher, nonce, prefix, chunks):
    """Return the sealed chunks of one file."""
    end = len(chunks) - 1
    return [
        cipher.encrypt(bytes(nonce(prefix, at, at == end)), chunk, None)
        for at, chunk in enumerate(chunks)
    ]


def opens(cipher, nonce, prefix, sealed):
    """Tell whether all chunks open, in their places, with the last one as the last."""
    end = len(sealed) - 1
    try:
        for at, chunk in enumerate(sealed):
            cipher.decrypt(bytes(nonce(prefix, at, at == end)), chunk, None)
    except InvalidTag:
        return False
    return True


# %% [markdown]
# **Exercise 612.2 (5 minutes).** Write the nonce. `prefix` is 7 random bytes, drawn for each file and stored in front of it. `number` counts chunks from 0, below 2**32. `last` says whether it is the
# file's last chunk. No two places, in this file or another, may share a nonce. What would an attacker do if `last` were not in it?


# %% tags=["exercise"] exercise="612.2"
def nonce(prefix, number, last):
    """Return the 12 bytes for a chunk. `prefix`: 7 bytes, `number`: a whole number from 0 to 2**32 - 1, `last`: True or False."""
    ### BEGIN SOLUTION
    return prefix + number.to_bytes(4, "big") + bytes([last])
    ### END SOLUTION


# %%
check("612.2", nonce)

# %%
nonce = use("612.2", nonce)
cipher = AESGCM(bytes(range(32)))  # a key for showing; a real one is random and in a Secret
one = seal(cipher, nonce, b"file-01", [b"first", b"second", b"third"])
two = seal(cipher, nonce, b"file-02", [b"other", b"words", b"here!"])
tried = {
    "as it was": one,
    "cut off": one[:-1],
    "exchanged": [one[1], one[0], one[2]],
    "repeated": [one[0], *one],
    "from another file": [one[0], two[1], one[2]],
}
went = {what: opens(cipher, nonce, b"file-01", sealed) for what, sealed in tried.items()}
print(went)
claim("only the whole file opens", [what for what, ok in went.items() if ok] == ["as it was"])

# %% [markdown]
# This manner is called STREAM. `labsupport.security.stream` adds a key for each file (made of yours by HKDF, so that the same prefix twice is no disaster) and a **context**: sealed as `deploy-risk 7`, it opens as that and nothing else. And the opened file gets its name
# only when its last chunk has verified. Ten attacks on a file of 48 chunks, and two more:

# %%
from labsupport.security import stream, tampering

secret = keys["stream"].read_bytes()
small, sealed, back = place / "small.bin", place / "small.sealed", place / "small.back"
contents = {}
for name in ("one", "two"):
    small.write_bytes(np.random.default_rng(len(contents)).bytes(3 * 2**20 - 100))
    stream.seal(small, sealed, secret, "deploy-risk 7")
    contents[name] = sealed.read_bytes()


def opened(data, key=secret, context="deploy-risk 7"):
    sealed.write_bytes(data)
    stream.open_sealed(sealed, back, key, context)
    return back.read_bytes()


attacks = tampering.attacks(contents["one"], contents["two"])
through = tampering.opened(attacks, opened, stream.SealError)
through += tampering.opened(
    {"another key": contents["one"]},
    lambda data: opened(data, stream.new_key()),
    stream.SealError,
)
through += tampering.opened(
    {"another model": contents["one"]},
    lambda data: opened(data, context="deploy-risk 6"),
    stream.SealError,
)
print(len(attacks) + 2, "tried:", ", ".join(attacks), "; another key, another model")
print("opened:", through or "none", "- a file was left:", back.exists())
claim(
    "all are refused, and nothing is left that somebody could use",
    not through and not back.exists(),
)
claim("the unchanged one opens", len(opened(contents["two"])) == 3 * 2**20 - 100)
for left in (
    original,
    small,
    sealed,
    back,
    place / "weights.fernet",
    place / "weights.stream",
    place / "back.bin",
):
    left.unlink(missing_ok=True)

# %% tags=["exercise"] exercise="612.b"
### BEGIN SOLUTION
choice_b = "C"
### END SOLUTION
quiz("612.b", choice_b)

# %% [markdown]
# ## Use it: a server that believes little
#
# `server.yaml` has a door. It trusts one public key, asks for a token, and limits size and rate:

# %%
lab.show("server.yaml", "spec.template.spec.containers.0.command", kind="Deployment")
lab.show("server.yaml", "spec.template.spec.volumes", kind="Deployment")

# %% [markdown]
# The tokens are 32 random bytes each and stand in a **Secret**, in no manifest, in no git. The dashboard's own copy is in another one: a client needs its
# token, and nobody else's. `tokens.put` creates them; `kubectl apply` would leave a second copy of the values in an annotation, where they outlive a later
# change by `patch`.

# %% tags=["nbval-ignore-output"]
from labsupport.security.tokens import new_token

old, batch, new = new_token(), new_token(), new_token()
begin = {"dashboard.1": old, "batch.1": batch}
tokens.put(lab, "tokens", begin)
tokens.put(lab, "dashboard", {"token": old})
put_files("model", place / "model")
put_files("signers", place / "signers")
lab.apply("client.yaml")
lab.apply("server.yaml")
lab.wait("deployment/deploy-risk", seconds=PATIENCE)
lab.wait("pod/load", "Ready", seconds=PATIENCE)
# settle: until each pod goes by what the Secret holds now
tokens.settle(lab, "deploy-risk", "tokens", "deploy-risk")

# %%
asked = {
    "no token": post("/predict", deploy),
    "a wrong one": post("/predict", deploy, "x" * 43),
    "its own": post("/predict", deploy, old),
    "200,000 numbers": post("/predict", {"features": [0.5] * 200_000}, old),
    "NaN": post("/predict", json.dumps(deploy | {"coverage": float("nan")}), old),
    "text": post("/predict", deploy | {"coverage": "0.8"}, old),
}
for what, one in asked.items():
    print(f"{what:16}", one.status_code, one.json().get("error", "")[:90])
claim(
    "who may not ask hears 401, too much is 413, nonsense is the client's",
    [one.status_code for one in asked.values()] == [401, 401, 200, 413, 400, 422],
)
claim(
    "the signed model answers",
    asked["its own"].json()["hold"] and shown.version == asked["its own"].json()["version"],
)

# %% [markdown]
# The order is that of cost: a token is compared in microseconds, a size is known before a byte is parsed, and only then comes the parser. And the colleague's model? It is put in place again,
# first as it is, then beside the old signature:


# %%
def problem():
    """Return what the server says of the model that it should serve, if anything."""
    with lab.cluster.reach("deploy-risk", 8080, lab.namespace) as url:
        said = http.get(
            f"{url}/v2/models/deploy-risk", headers={"Authorization": f"Bearer {old}"}
        )
    return said.json()["parameters"].get("problem")


def exchanged(folder, words):
    """Put other files in place, wait until the server says why it does not take them, and return that."""
    put_files("model", folder)
    return labs.waiting.until(
        lambda: found if (found := problem()) and words in found else None,
        "the server notices", PATIENCE,
    )  # fmt: skip


print("unsigned:", exchanged(place / "turned", "not signed"))
(place / "turned/signature.json").write_bytes((place / "model/signature.json").read_bytes())
print("beside the old signature:", exchanged(place / "turned", "not the file"))
still = post("/predict", deploy, old)
print(
    "status",
    still.status_code,
    "- held:",
    still.json()["hold"],
    "- version",
    still.json()["version"],
)
claim("the signed version goes on", still.json()["hold"] and still.json()["version"] == "7")
(place / "turned/signature.json").unlink()
put_files("model", place / "model")

# %% [markdown]
# `model_reload_failing` is 1 in its metrics: alarm on it, by the rules of lesson 609. A signature has its limits. It says who signed; a *bad* model that was signed is served.
# And version 6, signed last month, still verifies: whoever can write the ConfigMap can go back to it. Against that, compare versions with what the registry says.

# %% tags=["exercise"] exercise="612.a"
### BEGIN SOLUTION
choice_a = "A"
### END SOLUTION
quiz("612.a", choice_a)

# %% [markdown]
# ### A token replaced under load
#
# Tokens leak, and people leave. The server looks at its mounted Secret each second; a file's name, `dashboard.1`, is a client and
# a number, and **a client may have several**. The dashboard reads its own copy again, too, but nobody can say *when*: clients are other people's.
#
# **Exercise 612.3 (6 minutes).** Replace `dashboard.1` by the token `new`, so that no request of the dashboard is refused. Return two patches for the Secret `tokens`, as `kubectl patch` merges them: one for
# before the dashboard's own copy changes, one for after. In the end the old token must open nothing; `batch` must not notice.


# %% tags=["exercise"] exercise="612.3"
def rotation(new):
    """Return two patches (dictionaries) for the Secret `tokens`, before and after the client changes. `new`: a token, as text."""
    ### BEGIN SOLUTION
    first = {"stringData": {"dashboard.2": new}}
    last = {"data": {"dashboard.1": None}}
    return first, last
    ### END SOLUTION


# %%
from labsupport.cluster.sender import Sender


def replace_token(rotation):
    """Apply both patches with the dashboard asking all the time; return its sender, or None without a plan."""
    try:
        plan = rotation(new)
    except NotImplementedError:
        plan = None
    if not isinstance(plan, (tuple, list)) or len(plan) != 2:
        print("No two patches yet.")
        return None
    for secret, values in {"tokens": begin, "dashboard": {"token": old}}.items():
        tokens.put(lab, secret, values)
    tokens.settle(lab, "deploy-risk", "tokens", "deploy-risk")
    tokens.hasten(lab, "dashboard")
    tokens.follow(lab, "load", "/keys/token", old)
    url = "http://deploy-risk:8080/predict"
    with Sender(lab, url, deploy, clients=2, think=0.02, token_file="/keys/token") as sender:
        lab.patch("secret/tokens", plan[0])
        tokens.settle(lab, "deploy-risk", "tokens", "deploy-risk")
        tokens.put(lab, "dashboard", {"token": new})
        tokens.hasten(lab, "dashboard")
        tokens.follow(lab, "load", "/keys/token", new)
        next_round = len(sender.sent) + 2
        labs.waiting.until(
            lambda: len(sender.sent) >= next_round, "the dashboard has asked with its new token"
        )
        lab.patch("secret/tokens", plan[1])
        tokens.settle(lab, "deploy-risk", "tokens", "deploy-risk")
    return sender


sender = replace_token(rotation)
if sender:
    print("every request was answered:", sender.failed == 0)

# %%
check("612.3", rotation)

# %% tags=["nbval-ignore-output"]
rotation = use("612.3", rotation)
if sender is None or sender.failed:
    sender = replace_token(rotation)
print("answered:", sender.good, "- refused or lost:", sender.failed)
late = post("/predict", deploy, old)
print("the old token:", late.status_code)
claim(
    "no request was lost, and the old token opens nothing",
    sender.failed == 0 and late.status_code == 401,
)

# %% [markdown]
# The server counts requests by the token's *name*, so before you take one out you can see who still comes with it. This is one pod of two: each counts for
# itself, so add them up before you decide (609).

# %% tags=["nbval-ignore-output"]
print(
    "\n".join(
        line
        for line in lab.fetch("deploy-risk", 8080, "/metrics").splitlines()
        if line.startswith("door_requests_total")
    )
)

# %% [markdown]
# A Secret is base64, no cipher: who may read it has it. The API server knows who may. Pods of this lab have no account's token at all (`automountServiceAccountToken: false`), and their account could read nothing with one:

# %%
for who in ("", f"--as=system:serviceaccount:{lab.namespace}:default"):
    said = lab.ask(f"kubectl auth can-i get secrets {who}")
    print("you:" if not who else "the pods' account:", said)
claim("a pod that was taken over reads no other Secret", said == "no")

# %% tags=["exercise"] exercise="612.c"
### BEGIN SOLUTION
choice_c = "B"
### END SOLUTION
quiz("612.c", choice_c)

# %% [markdown]
# ### What else callers send
#
# A typical tutorial checks 784 pixels like this (the handout's *Input validation*). Its form, `@validator`, is deprecated; here is the same rule in today's, and a strict one beside it:


# %%
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator


class Tutorial(BaseModel):
    features: list

    @field_validator("features")
    @classmethod
    def validate_features(cls, v):
        if len(v) != 784:
            raise ValueError("Feature count must be 784")
        if not all(isinstance(x, (int, float)) for x in v):
            raise ValueError("All features must be numeric")
        return v


Pixel = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")
    features: Annotated[list[Pixel], Field(min_length=784, max_length=784)]


odd = {
    "0 and 1": "1", "NaN": "NaN", "Infinity": "Infinity", "true": "true", "1e308": "1e308", "-9999": "-9999", "a text": '"1"',
}  # fmt: skip
bodies = {
    name: json.dumps({"features": [0] * 783}).replace("[0", f"[{text}, 0")
    for name, text in odd.items()
}
bodies["one more field"] = json.dumps({"features": [0] * 784, "admin": True})


def takes(form, body):
    try:
        form.model_validate_json(body)
    except ValidationError:
        return "refused"
    return "taken"


taken = pd.DataFrame(
    {
        form.__name__: [takes(form, body) for body in bodies.values()]
        for form in (Tutorial, Strict)
    },
    index=list(bodies),
)
print(taken.to_string())
claim(
    "the strict form takes the true picture only",
    list(taken.index[taken.Strict == "taken"]) == ["0 and 1"],
)
claim(
    "the tutorial's refuses the text only",
    list(taken.index[taken.Tutorial == "refused"]) == ["a text"],
)

# %% [markdown]
# You thought of eight. **hypothesis** thinks of more: it makes requests from a description and holds each answer to one rule. *Whatever comes, the server answers within 5 s, never with 5xx, and says in JSON what is wrong.* When one breaks the rule, it looks for the smallest
# that does. First the tutorial's door, with a small real model behind it (the nearest mean picture of Fashion-MNIST), in this process:

# %%
from fastapi import FastAPI
from hypothesis import strategies as st

from labsupport.dl import fashion
from labsupport.security import adversary
from labsupport.security.adversary import Attempt
from labsupport.security.local import served

pictures = fashion.fashion_mnist()[0][:2000]
flat = pictures.images.reshape(len(pictures), -1) / 255
means = np.array([flat[pictures.labels == label].mean(axis=0) for label in range(10)])
naive = FastAPI()


@naive.post("/predict")
async def predict(data: Tutorial):
    with np.errstate(all="ignore"):
        distance = ((means - np.array(data.features, dtype=float)) ** 2).sum(axis=1)
    return {"label": int(distance.argmin()), "distance": float(distance.min())}


picture = {"features": [0.0] * 784}
client = httpx.Client(trust_env=False)
with served(naive) as url:
    attempts = adversary.odd_bodies(picture).map(lambda body: Attempt("/predict", body))
    found = adversary.search(client, url, attempts, examples=40, headers={})
attempt, how = found.broken
print(
    how,
    "- the smallest request that does it:",
    attempt.body[:22].decode(errors="replace"),
    "...",
)
claim("the tutorial's door lets through what its server can't answer", found.broken is not None)

# %% [markdown]
# Then the running server, through its door with a valid token, on paths that it has and some that it has not, also by other methods and with bytes that are no
# text:

# %% tags=["nbval-ignore-output"]
paths = [
    "/predict",
    "/predict",
    "/v2/models/deploy-risk/infer",
    "/v2/models/deploy-risk",
    "/v2/../x",
    "/",
]
attempts = st.builds(
    Attempt,
    st.sampled_from(paths),
    adversary.odd_bodies(deploy),
    st.sampled_from([*["POST"] * 8, "PUT", "DELETE"]),
    st.sampled_from(["application/json", "text/plain", "application/x-www-form-urlencoded"]),
)
with lab.cluster.reach("deploy-risk", 8080, lab.namespace) as url:
    found = adversary.search(
        client, url, attempts, examples=150, headers={"Authorization": f"Bearer {new}"}
    )
print("answers by status:", dict(sorted(found.statuses.items())))
claim("none of them broke the rule", found.broken is None and found.statuses.total() >= 100)
claim("and the model still answers", post("/predict", deploy, new).json()["hold"])

# %% [markdown]
# 150 requests are no proof. They find in seconds what nobody would have written down, and are the same at each run, so they can stand in CI.
#
# ## Break it: what may run here
#
# Pod Security (lab 601) sees to it that these pods are not root and get no privileges. It says
# nothing of **images**. `:latest` is whatever was pushed last: a scan of yesterday's says nothing of today's.
# A ValidatingAdmissionPolicy is a rule in CEL, a small language of expressions, that the API server itself asks at each change. This one judges Deployments
# (not pods or Jobs), by somebody who thought of `:latest`. Its rule about `canary` only tells which version is in force.

# %%
lab.show("images.yaml", "spec.validations", kind="ValidatingAdmissionPolicy")
policy, binding = lab.objects("images.yaml")
trials = lab.objects("broken/trials.yaml")
for trial in trials:
    pod = trial["spec"]["template"]["spec"]
    listed = [one["image"] for one in pod.get("initContainers", []) + pod["containers"]]
    print(f"{trial['metadata']['name']:18}", ", ".join(image[:52] for image in listed))


# %% [markdown]
# The nine trials are Deployments without pods. Which of them name an image that may be another one tomorrow? Only a digest is sure to stay: a tag can be moved
# (613). This team trusts any tag other than `latest`, too. **Without a tag it is `latest`.**
#
# **Exercise 612.4 (9 minutes).** Write the rule in CEL, as a text. It is true for a Deployment whose images all stay. What you need: `list.all(c, ...)`, `a + b` for lists, `&&`, `||`, `!`, and for texts `s.contains(t)`, `s.endsWith(t)`, `s.matches(t)` (a regular expression that must fit somewhere).
# A field that may be missing: `object.spec.template.spec.?initContainers.orValue([])`.

# %% tags=["exercise"] exercise="612.4"
### BEGIN SOLUTION
rule = (
    "(object.spec.template.spec.containers + object.spec.template.spec.?initContainers.orValue([]))"
    ".all(c, c.image.contains('@sha256:')"
    " || (c.image.matches(':[^/]+$') && !c.image.endsWith(':latest')))"
)
### END SOLUTION


# %%
def put_policy(rule):
    """Put a rule in force, make the nine trials under it, and print the names of those that were let in."""
    changed = copy.deepcopy(policy)
    if isinstance(rule, str):
        changed["spec"]["validations"][1]["expression"] = rule
    digest = hashlib.sha256(json.dumps(changed).encode()).hexdigest()[:8]
    changed["spec"]["validations"][0]["message"] = f"in force: {digest}"
    lab.apply([changed, binding])
    if lab.ask(f"kubectl get {KIND} lab-612-images -o yaml").count(digest) == 0:
        return print(
            "The API server does not take this rule; its words stand above. The rule before it is in force."
        )
    lab.ask("kubectl delete deployments -l labs/trial=images")
    canary = copy.deepcopy(trials[0])
    canary["metadata"]["name"] = "canary"

    def refuses():
        said = lab.cluster.kubectl(
            "-n", lab.namespace, "create", "--dry-run=server", "-f", "-", stdin=json.dumps(canary), check=False
        )  # fmt: skip
        return digest in said.errors

    labs.waiting.until(refuses, "the policy is in force", PATIENCE)
    made = lab.cluster.kubectl(
        "-n", lab.namespace, "create", "-f", "-", check=False,
        stdin="\n---\n".join(json.dumps(trial) for trial in trials),
    )  # fmt: skip
    print("let in:", *(line.split()[0].rpartition("/")[2] for line in made.output.splitlines()))


KIND = "validatingadmissionpolicy"
put_policy(rule)

# %%
check("612.4", rule)

# %%
yours = rule
rule = use("612.4", yours)
if rule is not yours:
    put_policy(rule)
there = {item["metadata"]["name"] for item in lab.snapshot().all("Deployment")} - {
    "deploy-risk"
}
claim("four names stay", there == {"pinned", "digest", "registry-pinned", "latest-by-digest"})
said = lab.ask("kubectl delete deployments -l labs/trial=images")

# %% [markdown]
# What a scanner finds in an image needs its list of known holes, which changes daily and is not here. The policy is the place where such a finding has consequences: it can ask for a digest that was scanned, or for a signature (by Sigstore's policy controller, or Kyverno).
#
# ### Who may reach the server
#
# A NetworkPolicy says from which pods packets come through. The API server stores it for any cluster. Whether anybody *enforces* it is the network plugin's matter:

# %%
lab.show("network.yaml", "spec")
lab.apply("network.yaml")
said = lab.ask("kubectl label pod load app=stranger --overwrite")

# %% tags=["nbval-ignore-output"]
program = (
    "import socket; socket.create_connection(('deploy-risk', 8080), 5); print('connected')"
)


def connects():
    said = lab.ask(f'kubectl exec load -- python -c "{program}"')
    return said.startswith("connected")


promised = "no NetworkPolicy" not in " ".join(lab.cluster.status().limits)
if promised:
    labs.waiting.until(lambda: not connects(), "the policy is enforced", PATIENCE)
enforced = not connects()
print(
    "a pod that the policy does not name:", "is not let through" if enforced else "is connected"
)
if not promised:
    print("This cluster does not enforce it, and says so when it starts.")
claim(
    "a policy that nobody enforces keeps nobody out",
    enforced == promised,
)

# %% [markdown]
# So test it from a pod that must not come through, on *your* cluster, after each change of its network plugin. That is why the token is asked for inside, too.

# %% [markdown]
# ### Refute it
#
# The door counts by client: a bucket of permits, 50 more each second, never more than 20 in it.

# %%
suppose("612.5", [at / 40 for at in range(80)])

# %% [markdown]
# **Exercise 612.5 (4 minutes).** Refute that. A case is a list of the seconds at which one client asks; the server's own limiter judges it.

# %% tags=["exercise"] exercise="612.5"
### BEGIN SOLUTION
case = [at / 100 for at in range(100)]
### END SOLUTION

# %%
check("612.5", case)

# %% [markdown]
# ## Quiz

# %% tags=["exercise"] exercise="612.d"
### BEGIN SOLUTION
choice_d = "D"
### END SOLUTION
quiz("612.d", choice_d)

# %% [markdown]
# ## Take it to work
#
# Two lists for **your** cluster and disk: workloads whose image may change, that may be root, or that hold a secret in the open; and model files that are programs.

# %%
from pathlib import Path

from labsupport import own

audit = own.containers()  # own.containers("objects.json") reads yours
tagged = audit.image.str.contains(r"@sha256:|:(?!latest$)[^/]+$")
risky = ~tagged | ~audit.non_root | (audit.plain_secrets != "")
print(audit[risky][["name", "image", "non_root", "plain_secrets"]].to_string(index=False))
for path in sorted(place.rglob("*")):  # Path("models").rglob("*")
    if path.suffix in (".pkl", ".pickle", ".joblib"):
        seen = opcodes.imports(path.read_bytes())
        print(
            path.name, f"is a program; {seen.read / path.stat().st_size:.0%} of it can be read"
        )

# %% [markdown]
# Leave the cluster as you found it.

# %%
import shutil

lab.clean()
shutil.rmtree(place, ignore_errors=True)
left = lab.ask(f"kubectl get {KIND},{KIND}binding -l labs/lab=612 -o name")
claim("nothing is left", labs.labs_of(lab.cluster).count("612") == 0 and left == "")
claim("nor of the poisoned file", not place.exists())

# %% [markdown]
# ## Take away
#
# - A pickle is a program, and a scanner may have read a third of it. Take formats that can't call.
# - A safe format says what a file can do. A signature says who made it, not that it is good, or the newest.
# - Encrypt in chunks whose nonce says where they belong and which is the last. Use nothing before all has verified.
# - Two keys valid for a while: that is a rotation without downtime. When a key is known to others, take the gap.
# - Cheap checks first: token, rate, size, form. What a policy forbids counts where somebody enforces it.

# %%
from labsupport.course.picture import system_so_far

system_so_far("612")

# %% [markdown]
# **Next**: 613 puts tests, gates and promotion into a pipeline.

"""Make the certificates, keys and kubeconfigs with which the programs of a cluster know each other."""

import base64
import datetime
import ipaddress
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from labsupport.cluster.pocket import service_range
from labsupport.cluster.pocket.layout import AGENT_GROUP, CONTEXT, METRICS_HOST, NODE_NAME, Layout, write_atomically

_LIFETIME = datetime.timedelta(days=365)
_LOCAL = ("127.0.0.1", "localhost")
_KUBERNETES = (
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)


@dataclass(frozen=True)
class Identity:
    """Who holds a certificate: Kubernetes takes the common name as user and the organisations as groups."""

    name: str
    user: str
    groups: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    issuer: str = "ca"


_IDENTITIES = (
    Identity("kubelet", f"system:node:{NODE_NAME}", ("system:nodes",), hosts=(*_LOCAL, NODE_NAME, METRICS_HOST)),
    Identity("admin", "kubernetes-admin", ("system:masters",)),
    Identity("controller-manager", "system:kube-controller-manager", hosts=_LOCAL),
    Identity("scheduler", "system:kube-scheduler", hosts=_LOCAL),
    # The Node authorizer lets system:nodes read only what their pods name; the extra group may read Services as well.
    Identity("node", f"system:node:{NODE_NAME}", ("system:nodes", AGENT_GROUP)),
    Identity("apiserver-kubelet", "kube-apiserver-kubelet-client", ("kubeadm:cluster-admins",)),
    Identity("front-proxy", "front-proxy-client", issuer="front-ca"),
)


def make(layout: Layout) -> None:
    """Make all certificates that are missing, end within a month or name another address of the API server.

    A new authority renews everything.
    """
    if _are_current(layout):
        return
    issuers = {name: _authority(layout, name) for name in ("ca", "front-ca")}
    for identity in _identities(layout):
        _sign(layout, identity, *issuers[identity.issuer])
    _service_account_key(layout)


def _identities(layout: Layout) -> tuple[Identity, ...]:
    hosts = (*_LOCAL, *_KUBERNETES, service_range.api_address(layout))
    return (Identity("apiserver", "kube-apiserver", hosts=hosts), *_IDENTITIES)


def write_kubeconfigs(layout: Layout) -> None:
    """Write the kubeconfigs of the administrator and of the programs for the API server's present port."""
    server = f"https://127.0.0.1:{layout.ports().apiserver}"
    for name in ("controller-manager", "scheduler", "node"):
        _write_if_changed(layout.component_kubeconfig(name), _kubeconfig(layout, name, server))
    _write_if_changed(layout.kubeconfig, _kubeconfig(layout, "admin", server))


def _kubeconfig(layout: Layout, name: str, server: str) -> dict[str, Any]:
    def encoded(file: Path) -> str:
        return base64.b64encode(file.read_bytes()).decode()

    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": CONTEXT,
                "cluster": {"server": server, "certificate-authority-data": encoded(layout.certificate("ca"))},
            }
        ],
        "users": [
            {
                "name": f"{CONTEXT}-{name}",
                "user": {
                    "client-certificate-data": encoded(layout.certificate(name)),
                    "client-key-data": encoded(layout.key(name)),
                },
            }
        ],
        "contexts": [
            {"name": CONTEXT, "context": {"cluster": CONTEXT, "user": f"{CONTEXT}-{name}", "namespace": "default"}}
        ],
        "current-context": CONTEXT,
    }


def _write_if_changed(file: Path, content: dict[str, Any]) -> None:
    # JSON is YAML, so kubectl and every client read it.
    text = json.dumps(content, indent=1).encode() + b"\n"
    if not file.exists() or file.read_bytes() != text:
        write_atomically(file, text)


def _are_current(layout: Layout) -> bool:
    # The last one that make() writes: when it is there, the others are.
    if not (layout.certificates / "sa.pub").exists():
        return False
    try:
        last, apiserver = (
            x509.load_pem_x509_certificate(layout.certificate(name).read_bytes())
            for name in ("front-proxy", "apiserver")
        )
        names = apiserver.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound):
        return False
    named = ipaddress.ip_address(service_range.api_address(layout)) in names.get_values_for_type(x509.IPAddress)
    return named and last.not_valid_after_utc - _now() > datetime.timedelta(days=30)


def _authority(layout: Layout, name: str) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{CONTEXT}-{name}")])
    certificate = (
        _dated(x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key()))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(authority=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _store(layout, name, certificate, key)
    return certificate, key


def _sign(layout: Layout, identity: Identity, issuer: x509.Certificate, issuer_key: ec.EllipticCurvePrivateKey) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in identity.groups]
    subject = x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, identity.user)])
    purposes = [ExtendedKeyUsageOID.CLIENT_AUTH]
    builder = _dated(
        x509.CertificateBuilder().subject_name(subject).issuer_name(issuer.subject).public_key(key.public_key())
    )
    if identity.hosts:
        purposes.append(ExtendedKeyUsageOID.SERVER_AUTH)
        names = x509.SubjectAlternativeName([_general_name(host) for host in identity.hosts])
        builder = builder.add_extension(names, critical=False)
    certificate = (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )
    _store(layout, identity.name, certificate, key)


def _service_account_key(layout: Layout) -> None:
    """The key pair that signs and checks the tokens of ServiceAccounts; kept, so that tokens outlive a renewal."""
    file = layout.key("sa")
    if file.exists():
        key = serialization.load_pem_private_key(file.read_bytes(), password=None)
    else:
        key = ec.generate_private_key(ec.SECP256R1())
        write_atomically(file, _pem(key))
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    write_atomically(layout.certificates / "sa.pub", public)


def _dated(builder: x509.CertificateBuilder) -> x509.CertificateBuilder:
    # An hour back, for clocks that are set while the cluster runs.
    return (
        builder.serial_number(x509.random_serial_number())
        .not_valid_before(_now() - datetime.timedelta(hours=1))
        .not_valid_after(_now() + _LIFETIME)
    )


def _usage(authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _store(layout: Layout, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    write_atomically(layout.key(name), _pem(key))
    write_atomically(layout.certificate(name), certificate.public_bytes(serialization.Encoding.PEM))


def _pem(key: PrivateKeyTypes) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)

#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""`walkie connect` and certificates that are not to be trusted, made by openssl's command line and
shown by openssl s_server: each is refused with a line of its own and the exit code of TLS.

usage: tests/clients/connect_certificates.py PROGRAM
"""

import base64
import hashlib
import subprocess

from authority import Authority, Certificate, openssl
from connect import OK, REJECTED, TLS, USAGE, Listening, NodeServer, Run, echoes
from harness import free_port, run, scratch_folder

ROOT = OTHER = MIDDLE = FOLDER = None  # set by main()


class Shown(Listening):
    """openssl s_server with this certificate. It serves a page: to be answered with 200 is to have
    got through TLS."""

    def __init__(self, certificate, *options, chain=None):
        port = free_port()
        chain = ["-cert_chain", chain] if chain else []
        super().__init__(
            ["openssl", "s_server", "-accept", port, "-www", "-quiet", "-cert", certificate.path,
             "-key", certificate.key, *chain, *options],
            port,
            stdin=subprocess.PIPE,
        )

    def url(self, host="localhost"):
        return f"wss://{host}:{self.port}/"


def check(server, code, *told, host="localhost", options=(), trust=None):
    got = Run(server.url(host), "--cacert", trust or ROOT.file, *options)
    got.expect(code, *told)
    assert code == REJECTED or len(got.error.splitlines()) == 1, got.error
    assert code != TLS or f"TLS with {host}:{server.port}" in got.error, got.error


def passes(server, **more):
    check(server, REJECTED, "200", **more)


def refused(server, *told, **more):
    check(server, TLS, *told, **more)


def good():
    with Shown(ROOT.issue("good")) as server:
        passes(server)
        passes(server, host="127.0.0.1")
        refused(server, "unknown authority", "Test Root", trust=OTHER.file)
    with NodeServer(cert=str(ROOT.issue("ws").file), key=str(FOLDER / "ws.key")) as server:
        echoes(server.url(scheme="wss"), "--cacert", ROOT.file)


def expired():
    with Shown(ROOT.issue("old", days=(-30, -2))) as server:
        refused(server, "CN=old", "expired on")


def not_yet_valid():
    with Shown(ROOT.issue("young", days=(2, 30))) as server:
        refused(server, "CN=young", "is not valid before")


def self_signed():
    certificate = ROOT.self_signed()
    with Shown(certificate) as server:
        refused(server, "self-signed, and not among those trusted")
        passes(server, trust=certificate.path)


def wrong_host():
    with Shown(ROOT.issue("other", san="DNS:other.example,DNS:*.wild.example")) as server:
        refused(server, "is for other.example, *.wild.example, not for localhost")
        refused(server, "not for 127.0.0.1", host="127.0.0.1")
        passes(server, options=["--server-name", "other.example"])
        passes(server, options=["--server-name", "a.wild.example"])
        refused(server, "not for a.b.wild.example", options=["--server-name", "a.b.wild.example"])
        refused(server, "not for wild.example", options=["--server-name", "wild.example"])


def address_as_a_name():
    with Shown(ROOT.issue("address", san="DNS:127.0.0.1")) as server:
        refused(server, "not for 127.0.0.1", host="127.0.0.1")


def unknown_authority():
    with Shown(OTHER.issue("foreign")) as server:
        refused(server, "unknown authority", "Other Root")


def authority_of_the_same_name():
    with scratch_folder() as folder:
        with Shown(Authority(folder, "Test Root").issue("forged")) as server:
            refused(server, "CN=forged")


def intermediates():
    leaf = MIDDLE.issue("deep", more="authorityInfoAccess = caIssuers;URI:http://ca.example/m")
    with Shown(leaf, chain=MIDDLE.file) as server:
        passes(server)
    with Shown(leaf) as server:
        refused(server, "incomplete chain", "Test Middle")


def authority_that_is_none():
    leaf = ROOT.issue("leaf")
    forged = FOLDER / "forged.pem"
    request = FOLDER / "forged.req"
    openssl("req", "-new", "-config", ROOT.config, "-key", leaf.key, "-subj", "/CN=forged",
            "-out", request)
    names = FOLDER / "names.conf"
    names.write_text("subjectAltName = DNS:localhost")
    openssl("x509", "-req", "-in", request, "-CA", leaf.path, "-CAkey", leaf.key, "-set_serial",
            "99", "-extfile", names, "-out", forged)
    with Shown(Certificate(forged, leaf.key), chain=leaf.path) as server:
        refused(server, "CN=leaf")


def purpose_of_a_client():
    with Shown(ROOT.issue("client", more="extendedKeyUsage = clientAuth")) as server:
        refused(server, "CN=client", "purpose")


def weak_key():
    with Shown(ROOT.issue("weak", key="rsa1024"), "-cipher", "DEFAULT@SECLEVEL=0") as server:
        refused(server, "CN=weak", "key too weak")


def weak_digest():
    with scratch_folder() as folder:
        authority = Authority(folder, "Weak Root", digest="sha1")
        with Shown(authority.issue("sha1"), "-cipher", "DEFAULT@SECLEVEL=0") as server:
            refused(server, "CN=sha1", "too weak", trust=authority.file)


def revoked_by_staple():
    certificate = ROOT.issue("stapled")
    with Shown(certificate, "-status_file", ROOT.ocsp(certificate)) as server:
        passes(server)
    ROOT.revoke(certificate)
    with Shown(certificate, "-status_file", ROOT.ocsp(certificate)) as server:
        refused(server, "was revoked on", "stapled")


def must_staple():
    certificate = ROOT.issue("must", more="tlsfeature = status_request")
    with Shown(certificate) as server:
        refused(server, "demands a stapled OCSP response")
    with Shown(certificate, "-status_file", ROOT.ocsp(certificate)) as server:
        passes(server)
    other = ROOT.ocsp(ROOT.issue("another"))
    with Shown(certificate, "-status_file", other) as server:
        refused(server, "sent none that counts")


def old_protocols():
    certificate = ROOT.issue("versions")
    weak = ["-cipher", "DEFAULT:@SECLEVEL=0"]
    for version in ("-tls1", "-tls1_1"):
        with Shown(certificate, version, *weak) as server:
            refused(server, "version")
    for version in ("-tls1_2", "-tls1_3"):
        with Shown(certificate, version) as server:
            passes(server)


def weak_ciphers():
    certificate = ROOT.issue("ciphers")
    for cipher in ("ECDHE-ECDSA-NULL-SHA", "ADH-AES128-SHA"):
        with Shown(certificate, "-tls1_2", "-cipher", f"{cipher}:@SECLEVEL=0") as server:
            refused(server)


def pins():
    certificate = ROOT.issue("pinned")
    der = subprocess.run(["openssl", "pkey", "-in", certificate.key, "-pubout", "-outform", "DER"],
                         capture_output=True, check=True).stdout
    pin = base64.b64encode(hashlib.sha256(der).digest()).decode()
    with Shown(certificate) as server:
        passes(server, options=["--pin", pin])
        passes(server, options=["--pin", "A" * 43 + "=", "--pin", pin])
        refused(server, "none of the pinned keys", options=["--pin", "A" * 43 + "="])
        check(server, USAGE, "no Base64 of a SHA-256", options=["--pin", "nonsense"])


def insecure():
    with Shown(OTHER.issue("any", days=(-30, -2))) as server:
        got = Run(server.url(), "--insecure").expect(REJECTED, "200")
        assert "INSECURE" in got.error, got.error


def files_that_are_wrong():
    with Shown(ROOT.issue("files")) as server:
        Run(server.url(), "--cacert", FOLDER / "missing.pem").expect(USAGE, "missing.pem")
        Run(server.url(), "--cacert", ROOT.key).expect(USAGE, "ca.key")
        mine = ROOT.issue("mine")
        Run(server.url(), "--cert", mine.file, "--key", FOLDER / "files.key").expect(
            USAGE, "mine.chain.pem")


def main():
    global ROOT, OTHER, MIDDLE, FOLDER
    with scratch_folder() as folder:
        ROOT = Authority(folder, "Test Root")
        OTHER = Authority(folder, "Other Root")
        MIDDLE = Authority(folder, "Test Middle", issuer=ROOT)
        FOLDER = ROOT.folder
        run([
            ("a good certificate passes, by name and by address", good),
            ("expired", expired),
            ("not yet valid", not_yet_valid),
            ("self-signed", self_signed),
            ("for another host; wildcards stand for one label", wrong_host),
            ("an address as a name", address_as_a_name),
            ("of an unknown authority", unknown_authority),
            ("of a forged authority with a trusted name", authority_of_the_same_name),
            ("with its intermediate, and without: an incomplete chain", intermediates),
            ("issued by a certificate that is no authority's", authority_that_is_none),
            ("for clients only", purpose_of_a_client),
            ("with a weak key", weak_key),
            ("signed by way of a weak digest", weak_digest),
            ("revoked, says a staple", revoked_by_staple),
            ("without the staple that it demands, or with another's", must_staple),
            ("TLS 1.0 and 1.1 are refused, 1.2 and 1.3 pass", old_protocols),
            ("ciphers that hide or prove nothing are refused", weak_ciphers),
            ("pinned keys", pins),
            ("verification switched off is loud", insecure),
            ("files that are missing, or are something else", files_that_are_wrong),
        ])


main()

# SPDX-License-Identifier: MIT
"""A certificate authority of openssl's command line: issues, revokes, and answers by OCSP."""

import datetime
import pathlib
import subprocess

CONFIG = """
[ca]
default_ca = this
[this]
database = {folder}/index.txt
new_certs_dir = {folder}
serial = {folder}/serial
certificate = {folder}/ca.pem
private_key = {folder}/ca.key
default_md = {digest}
default_days = 30
policy = any
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = empty
[empty]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign, digitalSignature
subjectKeyIdentifier = hash
"""


def openssl(*arguments):
    done = subprocess.run(
        ["openssl", *(str(one) for one in arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"openssl {arguments}: {done.stderr}"
    return done.stdout


def make_key(path, kind="ec"):
    how = {
        "ec": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
        "rsa1024": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
    }
    openssl("genpkey", *how[kind], "-out", path)
    return path


def days_from_now(days):
    when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
    return when.strftime("%Y%m%d%H%M%SZ")


class Certificate:
    def __init__(self, path, key, chain=()):
        self.path, self.key = path, key
        self.file = path.with_suffix(".chain.pem")  # with its intermediates
        self.file.write_text("".join(part.read_text() for part in (path, *chain)))


class Authority:
    """Self-signed, or an intermediate one of `issuer`."""

    def __init__(self, folder, name, issuer=None, digest="sha256"):
        self.folder = pathlib.Path(folder) / name.replace(" ", "-")
        self.folder.mkdir()
        self.config = self.folder / "ca.conf"
        self.config.write_text(CONFIG.format(folder=self.folder, digest=digest))
        (self.folder / "index.txt").touch()
        (self.folder / "serial").write_text("01\n")
        self.file, self.key = self.folder / "ca.pem", make_key(self.folder / "ca.key")
        self.chain = ()
        if issuer is None:
            openssl("req", "-x509", "-new", "-config", self.config, "-extensions", "authority",
                    "-key", self.key, "-subj", f"/CN={name}", "-days", "30", "-out", self.file)
        else:
            issuer.sign(name, self.key, self.file, extensions="authority")
            self.chain = (self.file, *issuer.chain)

    def sign(self, name, key, out, extensions=None, text=None, days=(-1, 30)):
        request = self.folder / "request.pem"
        openssl("req", "-new", "-config", self.config, "-key", key, "-subj", f"/CN={name}",
                "-out", request)
        more = ["-extensions", extensions] if extensions else []
        if text:
            file = self.folder / "extensions.conf"
            file.write_text(text)
            more = ["-extfile", file]
        openssl("ca", "-batch", "-notext", "-config", self.config, "-in", request, "-out", out,
                "-startdate", days_from_now(days[0]), "-enddate", days_from_now(days[1]), *more)

    def issue(self, name, san="DNS:localhost,IP:127.0.0.1", key="ec", days=(-1, 30), more=""):
        """A server's certificate, valid from days[0] to days[1] days from now."""
        stem = self.folder / name.replace("*", "any").replace(" ", "-")
        text = "basicConstraints = critical, CA:FALSE\n" + more + "\n"
        if san:
            text += f"subjectAltName = {san}\n"
        path, key_file = stem.with_suffix(".pem"), make_key(stem.with_suffix(".key"), key)
        self.sign(name, key_file, path, text=text, days=days)
        return Certificate(path, key_file, self.chain)

    def self_signed(self, name="localhost"):
        path, key = self.folder / "self.pem", make_key(self.folder / "self.key")
        openssl("req", "-x509", "-new", "-config", self.config, "-key", key, "-subj", f"/CN={name}",
                "-addext", "subjectAltName = DNS:localhost,IP:127.0.0.1", "-out", path)
        return Certificate(path, key)

    def revoke(self, certificate):
        openssl("ca", "-config", self.config, "-revoke", certificate.path)

    def ocsp(self, certificate):
        """The file of a DER response about it, by this authority's records of now."""
        request, response = self.folder / "ocsp.req", certificate.path.with_suffix(".ocsp")
        openssl("ocsp", "-issuer", self.file, "-cert", certificate.path, "-reqout", request)
        openssl("ocsp", "-index", self.folder / "index.txt", "-CA", self.file, "-rsigner",
                self.file, "-rkey", self.key, "-reqin", request, "-respout", response,
                "-ndays", "1")
        return response

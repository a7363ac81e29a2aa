# SPDX-License-Identifier: GPL-3.0-or-later
"""An emulated instance on disk: where its parts lie, and its settings as a file.

``<base>/bin`` the commands, ``<base>/<name>`` the install directory, ``<base>/db`` the
application's databases, ``<base>/.emulated`` what no real instance has.
"""

from __future__ import annotations

import json
import os
import zlib
from pathlib import Path

from emulated.facts import PRODUCTS, Facts, Product, Scenario, default_facts


class Settings:
    """Everything that commands, sessions and the server must know of an instance."""

    def __init__(
        self, base: str, name: str, product_key: str, gtm_dist: str, libraries: str, facts: Facts, scenario: Scenario
    ) -> None:
        self.base = base
        self.name = name
        self.product_key = product_key
        self.gtm_dist = gtm_dist
        self.libraries = libraries
        self.facts = facts
        self.scenario = scenario

    # -- on disk ---------------------------------------------------------------------

    @property
    def private(self) -> Path:
        return Path(self.base) / ".emulated"

    def save(self) -> None:
        written = self.private / "settings.json.new"
        values = {**vars(self), "facts": vars(self.facts), "scenario": vars(self.scenario)}
        written.write_text(json.dumps(values), encoding="utf-8")
        os.replace(written, self.private / "settings.json")

    @classmethod
    def load(cls, base: str) -> Settings:
        read = json.loads((Path(base) / ".emulated" / "settings.json").read_text(encoding="utf-8"))
        facts = Facts(**read.pop("facts"))
        success, failure = facts.freeze_command_statuses
        facts.freeze_command_statuses = (success, failure)
        scenario = Scenario(**read.pop("scenario"))
        if scenario.credentials:
            user, password = scenario.credentials
            scenario.credentials = (user, password)
        return cls(facts=facts, scenario=scenario, **read)

    @classmethod
    def create(cls, base: Path, product: str, name: str, gtm_dist: str, libraries: str) -> Settings:
        return cls(str(base), name, product, gtm_dist, libraries, default_facts(product), Scenario())

    # -- the instance ----------------------------------------------------------------

    @property
    def memory(self) -> Path:
        """Where copies lie that stand for an instance's buffers."""
        place = Path("/dev/shm")
        name = f"{zlib.crc32(self.base.encode()):08x}"
        return place / f"emulated-{name}" if os.access(place, os.W_OK) else self.private / "memory"

    @property
    def product(self) -> Product:
        return PRODUCTS[self.product_key]

    @property
    def install(self) -> Path:
        return Path(self.base) / self.name.lower()

    @property
    def manager(self) -> Path:
        return self.install / "mgr"

    @property
    def cpf(self) -> Path:
        return self.install / f"{self.product.stem}.cpf"

    @property
    def log(self) -> Path:
        return self.manager / self.product.log_name

    @property
    def journals(self) -> Path:
        return self.manager / "journal"

    @property
    def socket(self) -> Path:
        return self.private / "socket"

    def system_databases(self) -> dict[str, Path]:
        """Names and directories of the databases that come with a product (1.3)."""
        stem, upper = self.product.stem, self.product.stem.upper()
        names = {f"{upper}SYS": self.manager, f"{upper}LIB": self.manager / f"{stem}lib",
                 f"{upper}TEMP": self.manager / f"{stem}temp", f"{upper}AUDIT": self.manager / f"{stem}audit"}
        if self.product.iris:
            names["IRISLOCALDATA"] = self.manager / "irislocaldata"
            names["IRISSECURITY"] = self.manager / "irissecurity"
        return {**names, "USER": self.manager / "user"}

    def databases(self) -> dict[str, Path]:
        """Every database at its creation; the CPF says what there is later."""
        own = Path(self.base) / "db"
        return {**self.system_databases(), "CFISCODE": own / "cfiscode", "CFISDATA": own / "cfisdata"}

    def environment(self) -> dict[str, str]:
        """Environment of GT.M's programs."""
        return {
            "gtm_dist": self.gtm_dist, "gtmgbldir": str(self.private / "one.gld"), "LD_LIBRARY_PATH": self.libraries,
            "gtmroutines": f"{self.private} {self.gtm_dist}/libgtmutil.so {self.gtm_dist}", "gtm_etrap": "ZHALT 1",
            "gtm_tmp": str(self.private), "HOME": str(self.private), "PATH": "/usr/bin:/bin", "gtm_chset": "M",
        }


def write_cpf(settings: Settings) -> None:
    """The configuration file as FACTS 1.3 show it."""
    product, upper = settings.product, settings.product.stem.upper()
    lines = ["[ConfigFile]", f"Product={product.brand}", f"Version={'.'.join(product.version.split('.')[:2])}", "",
             "[Databases]"]
    lines += [f"{name}={path}/" for name, path in settings.databases().items()]
    lines += ["", "[Namespaces]", f"%SYS={upper}SYS", "USER=USER", "CFIS=CFISDATA,CFISCODE", "", "[MirrorMember]", "",
              "[Journal]", f"AlternateDirectory={settings.journals}/", "BackupsBeforePurge=2",
              f"CurrentDirectory={settings.journals}/", "DaysBeforePurge=2", "FileSizeLimit=1024", "FreezeOnError=0",
              "", "[Startup]", "DefaultPort=1972", "EnsembleAutoStart=1", "ShutdownTimeout=300", "WebServer=1",
              "WebServerPort=57772", "", "[Telnet]", "Port=23", ""]
    settings.cpf.write_text("\n".join(lines), encoding="utf-8")


def read_cpf(path: Path) -> dict[str, dict[str, str]]:
    """Sections of a configuration file; comments as FACTS 1.3 say."""
    found: dict[str, dict[str, str]] = {}
    section: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = found.setdefault(line.strip("[] \t"), {})
        elif "=" in line and not line.lstrip().startswith((";", "#", "//", "/*")):
            name, _, value = line.partition("=")
            section[name.strip()] = value.strip()
    return found

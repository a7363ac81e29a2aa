# SPDX-License-Identifier: GPL-3.0-or-later
"""What the emulator rests on without proof: every [M] fact of FACTS.md is a switch.

A test runs the product with each switch both ways: what holds only one way is not known.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Switches:
    """Named values with defaults; no dataclass, since every session would pay for the import."""

    def __init__(self, **given: Any) -> None:
        unknown = set(given) - set(self.names())
        if unknown:
            raise TypeError(f"no such switch: {', '.join(sorted(unknown))}")
        for name in self.names():
            setattr(self, name, given.get(name, getattr(type(self), name)))

    @classmethod
    def names(cls) -> list[str]:
        return list(cls.__annotations__)


class Facts(Switches):
    """One field per fact marked [M], or left open, in FACTS.md; the defaults are what FACTS hold likely."""

    #: 1.2, section 10: exit status of a heredoc session in which an error was shown.
    heredoc_error_status: int = 0
    #: Section 10: exit status after an untrapped error in the entry given as an argument.
    entry_error_status: int = 0
    #: 1.1: exit status of `qlist NOPE`.
    qlist_unknown_status: int = 1
    #: Section 10: exit status of start, stop and list when they fail.
    control_failure_status: int = 1
    #: 1.1: state word after a crash, "down" or "crashed".
    state_after_crash: str = "down"
    #: 1.2: whether a block { } may span lines at the prompt.
    multiline_blocks: bool = False
    #: 1.2: longest line that a terminal takes; old ones 255 or 511.
    longest_line: int = 32767
    #: 1.2: whether the stack is kept after an error, so that the prompt is `USER 2d0>`.
    stack_kept: bool = True
    #: 1.2: in status 5002, "ObjectScript error" or, on Caché, "Cache error".
    status_5002_words: str = "ObjectScript error"
    #: 2.1: whether Load takes selecteditems, displayname and charset behind listonly.
    load_takes_more: bool = True
    #: 2.1: whether $SYSTEM.OBJ.Import exists.
    import_exists: bool = True
    #: 2.1: whether $SYSTEM.OBJ.UnCompile exists.
    uncompile_exists: bool = True
    #: 2.1: whether %Routine.Delete(name, 2) drops INT and OBJ too.
    delete_flag_2_drops_objects: bool = True
    #: 2.1: whether %RoutineMgr.TS exists.
    routine_ts_exists: bool = True
    #: 2.1, section 10: whether SHAHash exists (before 2010 perhaps not).
    sha_hash_exists: bool = True
    #: 2.1: whether SHAHashStream exists (2010 or later).
    sha_hash_stream_exists: bool = True
    #: 2.3, section 10: element names of subscripts and values in base64.
    base64_names: bool = True
    #: 2.3: whether a routine with characters that XML cannot hold is exported as RoutineBase64.
    routine_base64: bool = True
    #: 2.3, section 10: how the exporter splits "]]>" in code: as two CDATA sections, or as text.
    cdata_split: bool = True
    #: 3.5: global of the integrity check's results ("" the name that FACTS give for the product).
    integrity_global: str = ""
    #: 3.1, section 10, FAULTS: whether ExternalFreeze's FormalSpec lists WDSuspendLimit.
    wd_suspend_limit_exists: bool = True
    #: Section 10: exit statuses of `iris freeze` and `iris thaw`: success, failure.
    freeze_command_statuses: tuple[int, int] = (0, 1)
    #: 4.2: the number of a stopped production (only 1 = running was seen).
    production_stopped: int = 2
    #: 4.1, 4.2: what GetItemSettingValue tells of a setting that the item itself does not have: the value in effect
    #: ("effective"), nothing ("explicit"), or the method is not there ("absent").
    item_setting_value: str = "effective"
    #: 3.3: dismounting a database in use "fails", or else its users get an error.
    dismount_in_use_fails: bool = False

    #: 2.3: whether /diffexport leaves the timestamp of routines (only zv, ts and class times are named).
    diffexport_keeps_routine_time: bool = False

    # -- not said in FACTS at all: the product must hold both ways -----------------------

    #: Whether ^$JOB and %SYS.ProcessQuery tell who is there (public code uses them; FACTS do not name them).
    processes_listed: bool = True
    #: Place of a line error in a routine: "label" as for classes, or "line", its number.
    routine_error_place: str = "label"
    #: What ExternalThaw answers on an instance that is not frozen: success or failure.
    thaw_of_unfrozen_succeeds: bool = True
    #: Exit status of a session that the licence limit ended.
    licence_status: int = 1
    #: Exit status of a session whose credentials were refused.
    refused_login_status: int = 1
    #: Whether a line end is written when a line has been read that was not typed at a terminal.
    newline_after_input: bool = True
    #: Which default setting counts more of two of which neither is the more specific: the one that names the
    #: "production", or the one that names the "item" (4.1 and the manual: the most specific).
    default_precedence: str = "production"
    #: Whether saving an item notices that an element of its list of settings was altered in place.
    embedded_change_noticed: bool = False
    #: Whether the banner with node and instance is shown before the first prompt.
    banner: bool = True


#: The other way for every switch: tests of the product run over these, one at a time.
ALTERNATIVES: dict[str, Any] = {
    "heredoc_error_status": 1, "entry_error_status": 1, "qlist_unknown_status": 0, "control_failure_status": 0,
    "state_after_crash": "crashed", "multiline_blocks": True, "longest_line": 255, "stack_kept": False,
    "status_5002_words": "Cache error", "load_takes_more": False, "import_exists": False, "uncompile_exists": False,
    "delete_flag_2_drops_objects": False, "routine_ts_exists": False, "sha_hash_exists": False,
    "sha_hash_stream_exists": False, "base64_names": False, "routine_base64": False, "cdata_split": False,
    "integrity_global": "Other.IntegrityOutput", "wd_suspend_limit_exists": False, "freeze_command_statuses": (5, 3),
    "production_stopped": 5, "item_setting_value": "absent", "default_precedence": "item",
    "embedded_change_noticed": True, "dismount_in_use_fails": True, "diffexport_keeps_routine_time": True,
    "processes_listed": False, "routine_error_place": "line", "thaw_of_unfrozen_succeeds": False, "licence_status": 0,
    "refused_login_status": 0, "newline_after_input": False, "banner": False,
}


class Scenario(Switches):
    """A situation that a test puts an instance in."""

    #: User name and password that the terminal asks for (1.2); None: OS authentication.
    credentials: tuple[str, str] | None = None
    #: The account's start-up namespace: -U has no effect then (1.2).
    startup_namespace: str = ""
    #: This many sessions are refused with <LICENSE LIMIT EXCEEDED> before one is let in (1.2).
    licence_refusals: int = 0
    #: Seconds before the first prompt.
    prompt_delay: float = 0.0
    #: A prompt that nobody expects; the session waits for an answer that is never right (T27).
    unexpected_prompt: str = ""
    #: State word of qlist other than what the instance is: "sign-on inhibited", "starting" (1.1, section 10).
    state: str = ""
    #: Language of messages: "en" or "de"; codes stay (2.2).
    language: str = "en"
    #: A mirror's backup member: qlist fields 11 and 12, mirrored databases read-only (3.6).
    mirror_backup: bool = False
    #: Characters of terminal and files: "utf-8" or "latin-1".
    encoding: str = "utf-8"
    #: Seconds after start during which qlist says running and sessions are refused (1.1).
    start_delay: float = 0.0
    #: Seconds that stand for the 600 after which a freeze stops users too (3.1).
    freeze_timeout: float = 600.0
    #: What GetProductionStatus says instead of what is so: 3 suspended, 4 troubled (4.2).
    production_state: int = 0
    #: A job of the production does not end: UpdateProduction times out unless it is forced (4.2).
    update_hangs: bool = False
    #: A production's class cannot be written, as under source control: SaveToClass fails.
    class_read_only: bool = False
    #: The health word of qlist field 9 (1.1).
    health: str = "ok"


class Product(NamedTuple):
    """One product of one age; ``qlist_fields`` and versions as FACTS 1.1 and 2.3 have them."""

    key: str
    brand: str
    version: str
    zversion: str
    generator: str
    export_version: str
    qlist_fields: int

    @property
    def iris(self) -> bool:
        return self.brand == "IRIS"

    @property
    def stem(self) -> str:
        """``cache`` or ``iris``: cpf file, lock file, databases of the system."""
        return "iris" if self.iris else "cache"

    @property
    def database_file(self) -> str:
        return f"{self.stem.upper()}.DAT"

    @property
    def lock_file(self) -> str:
        return f"{self.stem}.lck"

    @property
    def log_name(self) -> str:
        return "messages.log" if self.iris else "cconsole.log"


_UNIX = "for UNIX (Red Hat Enterprise Linux for x86-64)"
PRODUCTS = {
    "cache2008": Product(
        "cache2008", "Cache", "2008.1.1.403.0", f"Cache {_UNIX} 2008.1.1 (Build 403)", "Cache", "22", 8),
    "cache2018": Product(
        "cache2018", "Cache", "2018.1.7.721.0", f"Cache {_UNIX} 2018.1.7 (Build 721)", "Cache", "25", 12),
    "iris2025": Product(
        "iris2025", "IRIS", "2025.3.0.226.0", f"IRIS {_UNIX} 2025.3 (Build 226)", "IRIS", "26", 13),
}


def default_facts(product: str) -> Facts:
    """The likely facts of a product: an old Caché lacks what came later."""
    if product == "cache2008":
        return Facts(sha_hash_exists=False, sha_hash_stream_exists=False, wd_suspend_limit_exists=False,
                     status_5002_words="Cache error", longest_line=4096)
    if product == "cache2018":
        return Facts(status_5002_words="Cache error")
    return Facts()

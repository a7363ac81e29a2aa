# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of the steps of a write to productions and default settings."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.relmgmt.release.plugins.module_utils._core.interoperability import (
    DefaultSetting,
    ItemSetting,
    Place,
)
from ansible_collections.relmgmt.release.plugins.module_utils._interfaces.interoperability_write import (
    UPDATE,
    orders_for,
)

OWN = st.builds(ItemSetting, st.sampled_from(["App.P", "App.Q"]), st.sampled_from(["In", "Out"]),
                st.sampled_from(["Adapter", "Host"]), st.sampled_from(["Port", "IPAddress"]))
DEFAULTS = st.builds(DefaultSetting, st.just("*"), st.sampled_from(["In", "*"]), st.just("*"), st.just("Port"))
CHANGES = st.dictionaries(st.one_of(OWN, DEFAULTS), st.sampled_from(["5101", "", None]), max_size=6)


@given(CHANGES)
def test_everything_is_there_before_anything_is_set_and_saved_before_the_update(
    changes: dict[Place, str | None]
) -> None:
    codes = [order.code for order in orders_for(changes)]
    found = [at for at, code in enumerate(codes) if "%OpenId(rmA(rmL,1))" in code or ".GetAt(rmZ).Name" in code]
    alters = [at for at, code in enumerate(codes) if "Value=" in code or "RemoveAt" in code or "%DeleteId" in code]
    classes = [at for at, code in enumerate(codes) if "SaveToClass" in code]
    assert "GetProductionStatus" in codes[0]
    assert "rmB=1" in codes[1], "a production in trouble is refused first"
    assert max(found, default=0) < min(alters, default=len(codes))
    assert len(classes) == len({place.production for place in changes if isinstance(place, ItemSetting)})
    assert len(alters) == len(changes)
    assert codes.index(UPDATE) == len(codes) - 1
    assert not any("CleanProduction" in code or "RecoverProduction" in code for code in codes)


@given(CHANGES)
def test_names_and_values_are_data_and_never_code(changes: dict[Place, str | None]) -> None:
    orders = orders_for(changes)
    names = {part for place in changes for part in place} - {"*"}
    assert not [name for order in orders for name in names if f'"{name}"' in order.code or f"={name}" in order.code]
    values = {value for value in changes.values() if value is not None}
    assert values <= {value for order in orders for value in order.data.values()}

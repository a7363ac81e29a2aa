# SPDX-License-Identifier: GPL-3.0-or-later
"""The digests of a whole file, stripe by stripe: by helper processes where that pays."""

from __future__ import annotations

from typing import Callable

from ansible_collections.relmgmt.release.plugins.module_utils._backup.direct import BlockFile
from ansible_collections.relmgmt.release.plugins.module_utils._backup.hashing import digests_of
from ansible_collections.relmgmt.release.plugins.module_utils._backup.helpers import Crew, Job, share_out
from ansible_collections.relmgmt.release.plugins.module_utils._backup.stripes import STRIPE, THREADS, Stripe, stripes
from ansible_collections.relmgmt.release.plugins.module_utils._core.blocks import DIGEST_SIZE, Layout, block_count

CREW = Crew(helpers=2, threads=3, alone=THREADS)
#: a file shorter than that is done before helpers are
WORTH = 128 << 20


def scan(file: BlockFile, layout: Layout, use: Callable[[Stripe, bytes], None]) -> None:
    """``use`` the digests of each stripe, in order; DatasetError if the file cannot be read."""

    def work(stripe: Stripe, buffer: memoryview) -> bytes:
        return digests_of(file.read(buffer, stripe.offset, stripe.length), layout)

    job = Job(
        lambda: stripes(file.size, layout.block_size), work,
        lambda stripe: block_count(stripe.length, layout) * DIGEST_SIZE, STRIPE,
    )
    share_out(job, CREW, use, worth=file.size >= WORTH)

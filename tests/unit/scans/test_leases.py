import os

import pytest

from app.scans.leases import Holder, _is_gone, this_process

OWN = Holder("here", os.getpid(), "now")


def test_a_holder_is_recovered_from_its_name():
    holder = this_process()
    assert Holder.parse(holder.name) == holder
    assert len(holder.name) <= 100


@pytest.mark.parametrize("name", ["", "machine", "machine/12", "machine/x/y", "machine/12/"])
def test_other_names_are_nobody(name: str):
    assert Holder.parse(name) is None


def test_every_process_start_is_another_holder():
    assert this_process() != this_process()


def test_the_earlier_owner_of_our_process_number_is_gone():
    assert _is_gone(Holder("here", OWN.pid, "before"), OWN)


def test_a_number_without_a_process_is_gone_and_a_living_one_is_not():
    highest = 4_194_304 + 1  # above the kernel's limit, so never in use
    assert _is_gone(Holder("here", highest, "x"), OWN)
    assert not _is_gone(Holder("here", os.getppid(), "x"), OWN)

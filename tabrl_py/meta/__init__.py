"""The loop in which rewards are designed: propose, check, train, measure, read the results, propose again."""

from tabrl_py.meta.brief import PROPOSED, Brief
from tabrl_py.meta.loop import Loop
from tabrl_py.meta.proposal import Proposal

__all__ = ["PROPOSED", "Brief", "Loop", "Proposal"]

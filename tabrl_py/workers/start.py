"""The door through which web/workers/python_worker.js enters Python."""

from tabrl_py.types import JsObject
from tabrl_py.workers.host import PageHost, Runner


def start(role: str, bridge: JsObject) -> Runner:
    """Make the trainer, the player or the evaluator of a worker.

    Args:
        role: "trainer", "player" or "evaluator".
        bridge: the worker's createSim and post.

    Raises:
        ValueError: no such role.
    """
    host = PageHost(bridge)
    if role == "trainer":
        from tabrl_py.workers.trainer import Trainer

        return Runner(host, Trainer(host))
    if role == "player":
        from tabrl_py.workers.player import Player

        return Runner(host, Player(host))
    if role == "evaluator":
        from tabrl_py.workers.evaluator import Evaluator

        return Runner(host, Evaluator(host))
    raise ValueError(f"role={role!r} is not known; the roles are trainer, player, evaluator")

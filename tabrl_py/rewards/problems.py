"""What is wrong with reward code, told so that its author, a person or a model, can mend it."""

from collections.abc import Sequence
from dataclasses import dataclass

from tabrl_py.errors import TabrlError


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a piece of reward code.

    Attributes:
        line: of the source, from 1; 0 where it is about the whole.
        column: from 0.
        rule: a word that names the rule, e.g. "import", "name", "shape".
        message: what is wrong and what to write instead. Texts out of the source stand in it shortened.
    """

    line: int
    column: int
    rule: str
    message: str

    def __str__(self) -> str:
        """As a compiler says it."""
        return f"line {self.line}: {self.message}" if self.line else self.message


class RewardError(TabrlError):
    """Reward code that cannot be used.

    Attributes:
        problems: all that was found, in the order of the source; at least one.
    """

    def __init__(self, problems: Sequence[Problem], function: str = "reward") -> None:
        """Tell the first few problems; the others are counted."""
        self.problems = list(problems)
        told = "; ".join(str(problem) for problem in self.problems[:3])
        more = f"; and {len(self.problems) - 3} more" if len(self.problems) > 3 else ""
        super().__init__(f"the {function} code cannot be used: {told}{more}")


class RefusedError(Exception):
    """An operation of reward code cannot be done; whoever knows the line makes a Problem of it."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


def shown(text: object, most: int = 40) -> str:
    """A text out of untrusted code, quoted, shortened, without anything that a terminal or a page acts on."""
    quoted = ascii(str(text)[: most + 1])
    return quoted if len(quoted) <= most + 2 else f"{quoted[:most]}..."

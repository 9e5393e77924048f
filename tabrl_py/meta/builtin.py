"""The built-in designer: evolutionary search over the library of terms. No language model."""

import numpy as np

from tabrl_py.errors import ConfigError
from tabrl_py.meta.designer import Answer, Question
from tabrl_py.meta.genome import Genome, crossed, mutated, random_genome, reward_code, settings_of
from tabrl_py.meta.proposal import Proposal
from tabrl_py.meta.starts import shipped_genome
from tabrl_py.meta.state import Member, State
from tabrl_py.rng import Purpose, stream

ONE_SIDED = ("humanoid-hop",)
"""Fitnesses that a policy which is alike on left and right cannot fulfil."""


class BuiltinDesigner:
    """Evolves rewards: tournament selection, crossover and mutation of genomes. Fulfils Designer.

    The same seed and the same results give the same proposals. The first generation is the fitness itself,
    the task's own reward where it has one for this fitness, and terms drawn at random.
    """

    def __init__(self, *, informed: bool = True) -> None:
        """`informed` False draws all of the first generation at random, for comparisons."""
        self._informed = informed

    async def answer(self, question: Question, state: State) -> Answer:
        """See Designer.answer."""
        if question.kind == "fitness":
            raise ConfigError("the built-in designer cannot write a fitness; choose one of the list")
        proposals = {slot: self._propose(question, slot, state) for slot in question.slots}
        return Answer(analysis=_analysis(state, question.generation), proposals=proposals)

    def _propose(self, question: Question, slot: int, state: State) -> Proposal:
        rng = stream(
            state.brief.seed % 2**32, Purpose.DESIGN, question.generation, 1000 * (1 + question.round) + slot
        )
        parents = [member for member in self._pool(state) if member.proposal.genome is not None]
        if not parents or question.generation == 1:
            known = _known(state) if self._informed and question.round == 0 else []
            drawn = (_first_shot(state, rng), "A first shot: terms and weights drawn at random.")
            genome, words = known[slot] if slot < len(known) else drawn
            return _proposal(genome, words, (), state)
        best = parents[0] if slot == 0 else _tournament(parents, rng)
        genome = _genome_of(best)
        if slot == 0 and question.round == 0 and state.brief.pbt:
            return _proposal(genome, f"{best.label} goes on learning, unchanged.", (best.id,), state)
        chosen = [best]
        if len(parents) > 1 and slot and rng.random() < 0.5:
            other = _tournament([member for member in parents if member is not best], rng)
            genome = crossed(genome, _genome_of(other), rng)
            chosen.append(other)
        genome = mutated(genome, state.task, rng)
        words = _words(genome, _genome_of(best), chosen)
        return _proposal(genome, words, tuple(member.id for member in chosen), state)

    @staticmethod
    def _pool(state: State) -> list[Member]:
        """Whom the next generation comes from, the fittest first; a thumb counts as much as a rank."""
        if state.branch:
            return [state.members[state.branch]]
        liked = enumerate(state.ranked)
        return [member for _, member in sorted(liked, key=lambda pair: pair[0] - 1.5 * pair[1].thumb)]


def _first_shot(state: State, rng: np.random.Generator) -> Genome:
    return _suited(random_genome(state.task, rng), state)


def _known(state: State) -> list[tuple[Genome, str]]:
    """What is worth trying before anything is drawn, each with its words."""
    known = [(_plain(state), "The fitness itself, with a reward for staying up.")]
    shipped = shipped_genome(state.task) if state.judge.name == state.task.id else None
    if shipped is not None:
        known.append((_suited(shipped, state), "The task's own reward, in terms of the library."))
    return known


def _plain(state: State) -> Genome:
    terms = {
        "alive": {"weight": 1.0, "arguments": {}},
        "effort": {"weight": -0.1, "arguments": {}},
    }
    return _suited({"goal": 4.0, "terms": terms, "settings": {}}, state)


def _suited(genome: Genome, state: State) -> Genome:
    if state.judge.name in ONE_SIDED:
        genome["settings"]["algo.symmetry"] = "none"
    return genome


def _genome_of(member: Member) -> Genome:
    assert member.proposal.genome is not None
    return member.proposal.genome


def _tournament(members: list[Member], rng: np.random.Generator) -> Member:
    """The better of two, the pool being in order."""
    return members[int(min(rng.integers(len(members), size=2)))]


def _proposal(genome: Genome, words: str, parents: tuple[str, ...], state: State) -> Proposal:
    names = sorted(genome["terms"], key=lambda name: -abs(genome["terms"][name]["weight"]))
    name = " + ".join(["goal", *names[:2]])
    code = reward_code(genome, state.judge.source)
    return Proposal(name, words, code, settings_of(genome), parents, genome=genome)


def _words(genome: Genome, before: Genome, parents: list[Member]) -> str:
    new = sorted(set(genome["terms"]) - set(before["terms"]))
    gone = sorted(set(before["terms"]) - set(genome["terms"]))
    said = [f"From {' and '.join(member.label for member in parents)}, weights moved"]
    if new:
        said.append(f"{', '.join(new)} added")
    if gone:
        said.append(f"{', '.join(gone)} left out")
    return "; ".join(said) + "."


def _analysis(state: State, generation: int) -> str:
    """What the search goes by, plainly; there is no reading of the results behind it."""
    ranked = state.ranked
    if not ranked:
        return "No results yet: rewards are drawn at random from the library of terms."
    told = ", ".join(f"{member.label} {member.fitness:.3g}" for member in ranked[:3])
    return f"Generation {generation} comes from the fittest so far ({told}) by crossover and mutation."

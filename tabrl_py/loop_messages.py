"""Messages between the page and the designer worker, which runs the loop that designs rewards.

As in protocol.py, one dataclass each, and web/protocol.d.ts has them, too. The worker decides what happens
next; the page carries it out: it trains, measures, keeps the ledger's lines and the policies they name by
their sha256. Every command has an id that is the same whenever the loop is repeated from its ledger, so what
the page began for it can be taken up again. A command may come a second time: after a reload, or after it
failed.
"""

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from tabrl_py.code_messages import CodeProblem
from tabrl_py.protocol import Booting, Failed, Pause, Ready, Resume, Stop

LoopStage = Literal["judging", "asking", "checking", "training", "evaluating", "final", "done"]
LoopRunState = Literal["running", "paused", "stopped", "done", "failed"]
MemberStatus = Literal[
    "proposed", "checking", "invalid", "queued", "training", "evaluating", "evaluated", "failed"
]
CommandKind = Literal["check", "train", "evaluate"]

# What the page shows


@dataclass(frozen=True)
class LoopMember:
    """One member of one generation."""

    id: str
    """Of all generations: "g2.1" is the second of generation 2, "f3.0" the winner's first final training."""
    generation: int
    """From 1; the winner's final trainings have the number after the last."""
    index: int
    """In its generation, from 0."""
    name: str
    rationale: str
    reward: str
    """Source of its reward code; "" for the task's own reward."""
    hyperparameters: dict[str, float | int | str]
    """What differs from the task's recipe, by dotted name."""
    parents: list[str]
    from_policy: bool
    """Whether training begins with a parent's weights."""
    by_person: bool
    pinned: bool
    """Whether the next generation has it again, as it is."""
    thumb: int
    """The person's: 1, -1 or 0."""
    status: MemberStatus
    steps: int
    total_steps: int
    fitness: float | None
    fitness_std: float | None
    """Spread of the fitness over the evaluation seeds."""
    metrics: dict[str, float]
    terms: dict[str, list[float | None]]
    """Each term's mean per control step, over about 10 equal stretches of training, oldest first."""
    problems: list[CodeProblem]
    """What is wrong with its code, or with the last edit of it."""
    error: str
    policy: str | None
    """sha256 of its policy file, once it is trained."""


@dataclass(frozen=True)
class LoopDesigner:
    """Who designs."""

    kind: Literal["builtin", "claude"]
    title: str
    """The built-in one is always titled "built-in, no language model"."""
    model: str


@dataclass(frozen=True)
class LoopText:
    """What the designer said before a generation, or a person's comment before the next one."""

    generation: int
    text: str


@dataclass(frozen=True)
class LoopCost:
    """What was spent so far; a cap is null where there is none."""

    requests: int
    tokens: int
    """All that count against the cap, what was lost with unanswered requests included."""
    input_tokens: int
    """Read by the model, those from its cache included."""
    cached_tokens: int
    output_tokens: int
    usd: float
    steps: int
    """Control steps of training."""
    seconds: float
    """Of asking, training and measuring, one after the other."""
    max_tokens: int | None
    max_usd: float | None
    max_steps: int | None
    max_seconds: float | None


@dataclass(frozen=True)
class LoopFitness:
    """What members are ranked by."""

    name: str
    """Of a shipped fitness; "" where it was written for this loop."""
    source: str
    rationale: str
    frozen: bool
    """Not frozen: the designer's proposal, which waits for FreezeFitness. Frozen, too, while what the person
    took is being checked."""
    problems: list[CodeProblem]


@dataclass(frozen=True)
class LoopWinner:
    """The fittest member, and what came of training it again from fresh seeds."""

    member: str
    trained: str
    """Id of the member whose policy it is: itself, or the fittest of its final trainings."""
    policy: str
    """sha256 of that policy, which is the one to export."""
    fitness: float
    """Of that policy."""
    seeds: list[int]
    """Of the final trainings."""
    fitnesses: list[float]
    fitness_mean: float | None
    """Over the final trainings; null without any."""
    fitness_std: float | None


@dataclass(frozen=True)
class LoopView:
    """All that the page shows of a loop."""

    stage: LoopStage
    """judging: the fitness is proposed, and waits to be frozen."""
    state: LoopRunState
    over: bool
    """Whether nothing more will happen by itself; BranchFrom can still go on."""
    generation: int
    generations: int
    size: int
    """Members of the generation in work; final trainings left out."""
    designer: LoopDesigner
    text: str
    task: str
    fitness: LoopFitness
    members: list[LoopMember]
    leaderboard: list[str]
    """Ids of evaluated members, the fittest first."""
    analyses: list[LoopText]
    comments: list[LoopText]
    cost: LoopCost
    winner: LoopWinner | None
    reason: str
    """Why the loop ended, pauses or failed; "" while it runs."""
    ledger_lines: int
    ledger_hash: str
    """Of everything that was decided and measured; the same whenever the loop is repeated."""


@dataclass(frozen=True)
class DesignModel:
    """A language model that can be asked."""

    id: str
    title: str
    usd_per_million_input: float
    usd_per_million_output: float


# Page to designer


@dataclass(frozen=True)
class StartLoop:
    """Begin a loop, or go on with one from its ledger."""

    brief: dict[str, Any]
    """Fields of tabrl_py/meta/brief.py: Brief."""
    ledger: list[str] = field(default_factory=list)
    """Lines as LedgerLine brought them, all of them and in order."""
    base_url: str = ""
    """Where the Messages API is answered: the page's relay, or the API itself. Not for the built-in one."""
    key: str | None = None
    """A key of the person's own, kept in this worker's memory alone; null through a relay that has one."""


@dataclass(frozen=True)
class ListModels:
    """Ask for the models; the first answer of a designer worker loads the SDK."""

    id: int
    base_url: str
    key: str | None = None


@dataclass(frozen=True)
class CommandProgress:
    """How far a command is: for the view alone."""

    id: str
    status: Literal["queued", "training", "evaluating"]
    steps: int = 0
    records: list[dict[str, Any]] = field(default_factory=list)
    """All Progress records of a training so far, or [] where nothing is new."""


@dataclass(frozen=True)
class CommandDone:
    """A command's result.

    The page keeps the result until a ledger line has the command's id: lines are written in the order of
    commands, so a result that comes early waits for those before it.
    """

    id: str
    result: dict[str, Any]
    """check: {problems: CodeProblem[], total, terms} of a CodeTried.
    train: {policy: sha256 of the file, steps, records: Progress[]}.
    evaluate: {fitness, per_seed, metrics, lengths, falls} of a Fitness, and with images
    {image: PNG or JPEG as base64, image_type}, a contact sheet."""
    seconds: float = 0.0


@dataclass(frozen=True)
class CommandFailed:
    """A command cannot be carried out: a train or evaluate command fails its member, no other."""

    id: str
    error: str


@dataclass(frozen=True)
class LineKept:
    """A line of the ledger is on the disk. A request that costs money waits for that of its reservation."""

    index: int


@dataclass(frozen=True)
class FreezeFitness:
    """The person accepts the fitness, as proposed or edited; generation 1 begins."""

    source: str


@dataclass(frozen=True)
class Say:
    """A comment that the designer reads with the next results; about one member, or "" for all."""

    text: str = ""
    member: str = ""
    thumb: int | None = None
    """1, -1, or 0 to take it back; null leaves it."""


@dataclass(frozen=True)
class EditMember:
    """The person's reward in place of a member's: the next generation has it at the same index.

    Code that is not sound is told in the member's `problems` and changes nothing.
    """

    member: str
    reward: str
    hyperparameters: dict[str, float | int | str] | None = None
    """null: the member's."""
    pinned: bool = True
    """false: nothing is kept for the next generation."""


@dataclass(frozen=True)
class BranchFrom:
    """Design the next generation from this member alone; a loop that is over goes on."""

    member: str


@dataclass(frozen=True)
class ExportPolicy:
    """Write a loop's provenance into one of its policy files."""

    id: int
    member: str
    policy: bytes


# Designer to page


@dataclass(frozen=True)
class LoopCommand:
    """Something that the page is to do, and to answer with CommandDone or CommandFailed."""

    id: str
    kind: CommandKind
    member: str
    spec: dict[str, Any]
    """check: {task: id, source, function} as in TryCode.
    train: {recipe, policy: sha256 to begin with, or null}.
    evaluate: {policy: sha256, task: id, fitness, seeds, image: whether a contact sheet is wanted}."""


@dataclass(frozen=True)
class LedgerLine:
    """A line of the ledger. The page stores it before anything else, and answers with LineKept."""

    index: int
    line: str


@dataclass(frozen=True)
class LoopState:
    """The view, whenever it changed."""

    view: LoopView


@dataclass(frozen=True)
class AnalysisDelta:
    """A piece of what the designer is saying, as it says it; `start` begins a new answer."""

    generation: int
    text: str
    start: bool


@dataclass(frozen=True)
class DesignerLoading:
    """The SDK is being loaded, because Claude is asked for the first time."""

    fraction: float
    words: str


@dataclass(frozen=True)
class Models:
    """Answer to ListModels; `default` is the newest Opus."""

    id: int
    models: list[DesignModel]
    default: str


@dataclass(frozen=True)
class PolicyExported:
    """Answer to ExportPolicy: the same weights, with where they came from."""

    id: int
    policy: bytes
    name: str
    """For the file."""


ToDesigner: TypeAlias = (
    StartLoop
    | ListModels
    | CommandProgress
    | CommandDone
    | CommandFailed
    | LineKept
    | FreezeFitness
    | Say
    | EditMember
    | BranchFrom
    | ExportPolicy
    | Pause
    | Resume
    | Stop
)
FromDesigner: TypeAlias = (
    Booting
    | Ready
    | LoopCommand
    | LedgerLine
    | LoopState
    | AnalysisDelta
    | DesignerLoading
    | Models
    | PolicyExported
    | Failed
)

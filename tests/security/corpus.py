"""The adversarial corpus."""

from __future__ import annotations

from tests.security import corpus_hogs, corpus_lab, corpus_page, corpus_python
from tests.security.case import Case

CORPUS: list[Case] = [*corpus_python.CASES, *corpus_hogs.CASES, *corpus_lab.CASES, *corpus_page.CASES]

"""Whom a run would answer, as far as the settings and the forge go."""

from steps.conversations import marked, note
from steps.posting_scene import APP, BOT, STRANGER, TEMPLATES, UNSIGNED, WRITER, report, request

from reviewbot.domain.request import Account
from reviewbot.errors import ForgeError
from reviewbot.forges.local import LocalForge
from reviewbot.settings.schema import Settings
from reviewbot.wiring import replies
from reviewbot.wiring.publishing import Board, Desk


class Members(LocalForge):
    """A forge that knows one maintainer, or cannot be asked."""

    def __init__(self, *, broken: bool = False) -> None:
        made = report(APP)
        super().__init__(made.comparison, made.patch)
        self.broken = broken

    def writes(self, account: Account) -> bool:
        if self.broken:
            message = "503"
            raise ForgeError(message)
        return account == WRITER


BOARD = Board(
    own=BOT,
    marked=(
        marked(note(2, WRITER)),
        marked(note(2, STRANGER), id="t2"),
        marked(note(2, Account(id=9, name="mallory")), id="t3"),
    ),
)


def waiting(forge: Members, **settings: object) -> list[str]:
    desk = Desk(forge=forge, request=request(), signer=UNSIGNED, templates=TEMPLATES)
    found = replies.waiting(desk, BOARD, Settings.model_validate({"replies": settings}))
    return [one.thread.id for one in found]


def test_whom_the_forge_lets_write_and_the_author_are_answered() -> None:
    assert ["t1", "t2"] == waiting(Members())


def test_settings_bound_how_many_are_or_turn_it_off() -> None:
    assert ["t1"] == waiting(Members(), max=1)
    assert [] == waiting(Members(), enabled=False)


def test_where_the_forge_cannot_be_asked_nobody_is() -> None:
    assert [] == waiting(Members(broken=True))


def test_outside_of_a_forge_nobody_may_write() -> None:
    made = report(APP)
    assert not LocalForge(made.comparison, made.patch).writes(WRITER)

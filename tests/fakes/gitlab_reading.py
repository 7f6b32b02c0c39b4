"""Routes that read: users, the project, the merge request, its versions and diffs, commits."""

from http import HTTPStatus

from fakes import gitlab_json as spell
from fakes.gitlab_diff import DiffFile
from fakes.gitlab_notes import refuse
from fakes.gitlab_routes import Answer, Call, route
from fakes.gitlab_state import Json, State

_DIFFS, _RAW_DIFFS = (15, 7), (17, 9)


@route("GET", "/user", top=True)
def current_user(call: Call) -> Answer:
    return Answer(body=spell.user(call.user) | {"bot": call.user.bot, "is_admin": False})


@route("GET", "/version", top=True)
@route("GET", "/metadata", top=True)
def version(call: Call) -> Answer:
    major, minor = call.state.rules.version
    return Answer(body={"version": f"{major}.{minor}.0", "revision": "0123456789a", "enterprise": False})


@route("GET", "")
def project(call: Call) -> Answer:
    state = call.state
    level = {"access_level": state.level(call.user), "notification_level": 3}
    return Answer(
        body={
            "id": state.project_id,
            "path_with_namespace": state.project,
            "default_branch": state.request.target_branch,
            "visibility": "private",
            "web_url": f"https://gitlab.example/{state.project}",
            "permissions": {"project_access": level, "group_access": None},
        }
    )


@route("GET", "/members/:id")
@route("GET", "/members/all/:id")
def member(call: Call) -> Answer:
    found = next((user for user in call.state.users if str(user.id) == call.parts[0]), None)
    if found is None or not call.state.level(found):
        raise refuse(HTTPStatus.NOT_FOUND, "Not found")
    return Answer(body=spell.user(found) | {"access_level": call.state.level(found), "expires_at": None})


@route("GET", "MR", job=True)
def request(call: Call) -> Answer:
    return Answer(body=spell.request(call.state, ready=_ready(call.state)))


def _ready(state: State) -> bool:
    """Tell whether the diff is there yet; a merge request just made has none for a while."""
    if state.request.null_reads:
        state.request.null_reads -= 1
        return False
    return True


@route("GET", "MR/versions", paged=True)
def versions(call: Call) -> Answer:
    shown = reversed(call.state.request.versions) if _ready(call.state) else ()
    return Answer(body=[spell.version(call.state, one) for one in shown])


@route("GET", "MR/versions/:id")
def one_version(call: Call) -> Answer:
    state = call.state
    found = next((one for one in state.request.versions if str(one.id) == call.parts[0]), None)
    if found is None:
        raise refuse(HTTPStatus.NOT_FOUND, "Not found")
    diffs = spell.files(state.rules, state.diffs.files(found.refs.base, found.refs.head))
    commits = _commits(state, found.refs.base, found.refs.head)
    return Answer(body=spell.version(state, found) | {"commits": commits, "diffs": diffs})


def _files(state: State) -> tuple[DiffFile, ...]:
    return state.diffs.files(state.request.refs.base, state.request.refs.head)


@route("GET", "MR/diffs", paged=True)
def diffs(call: Call) -> Answer:
    if call.state.rules.version < _DIFFS:
        raise refuse(HTTPStatus.NOT_FOUND, "Not Found")
    return Answer(body=spell.files(call.state.rules, _files(call.state)))


@route("GET", "MR/changes")
def changes(call: Call) -> Answer:
    state = call.state
    shown = _files(state)
    whole = str(call.params.get("access_raw_diffs", "")).lower() in ("true", "1")
    overflow = {"overflow": len(shown) > state.rules.files and not whole}
    return Answer(body=spell.request(state) | {"changes": spell.files(state.rules, shown, whole=whole)} | overflow)


@route("GET", "MR/raw_diffs")
def raw_diffs(call: Call) -> Answer:
    state = call.state
    if state.rules.version < _RAW_DIFFS:
        raise refuse(HTTPStatus.NOT_FOUND, "Not Found")
    text = spell.readable(state.diffs.raw(state.request.refs.base, state.request.refs.head))
    return Answer(body=text, headers={"Content-Type": "text/plain"})


@route("GET", "MR/commits", paged=True)
def commits(call: Call) -> Answer:
    refs = call.state.request.refs
    return Answer(body=list(reversed(_commits(call.state, refs.base, refs.head))))


def _commits(state: State, old: str, new: str) -> list[Json]:
    found = state.diffs.repo.git("rev-list", "--reverse", f"{old}..{new}").split()
    return [spell.commit(state, sha) for sha in found]


def _commit_id(state: State, name: str) -> str:
    sha = state.diffs.repo.git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", check=False)
    if not sha:
        raise refuse(HTTPStatus.NOT_FOUND, "Commit Not Found")
    return sha


@route("GET", "/repository/commits/:sha")
def commit(call: Call) -> Answer:
    return Answer(body=spell.commit(call.state, _commit_id(call.state, call.parts[0])))


@route("GET", "/repository/merge_base")
def merge_base(call: Call) -> Answer:
    given = call.params.get("refs[]", call.params.get("refs", []))
    names = [_commit_id(call.state, str(name)) for name in (given if isinstance(given, list) else [given])]
    if len(names) < 2:
        raise refuse(HTTPStatus.BAD_REQUEST, "Bad request - Provide at least 2 refs")
    found = call.state.diffs.merge_base(names[0], names[1])
    if found is None:
        raise refuse(HTTPStatus.NOT_FOUND, "Merge Base Not Found")
    return Answer(body=spell.commit(call.state, found))


@route("GET", "/repository/compare")
def compare(call: Call) -> Answer:
    state = call.state
    old, new = (_commit_id(state, str(call.params.get(name))) for name in ("from", "to"))
    straight = str(call.params.get("straight", "")).lower() == "true"
    origin = old if straight else state.diffs.merge_base(old, new) or old
    return Answer(
        body={
            "commit": spell.commit(state, new),
            "commits": _commits(state, origin, new),
            "diffs": spell.files(state.rules, state.diffs.files(origin, new)),
            "compare_timeout": False,
            "compare_same_ref": old == new,
        }
    )

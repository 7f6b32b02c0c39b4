"""What people dismiss is not shown again: in the same request, in the next one, and until they take it back."""

import re

import pytest
from fakes.gitlab_server import Rules
from jobs import KEY, Ran, attentive, numbered
from posting.stages import GitHub, GitLab, Stage

TITLE = "reviewbot: dismissed findings"
ELSEWHERE = {"lib.rs": numbered(30, l12="wrong alpha")}
"""The like of alpha, in another file."""


def review(stage: Stage, *options: str, **environ: str) -> Ran:
    """Review, and have the report."""
    ran = stage.review("--format", "json", *options, **environ)
    assert 0 == ran.code, ran.err
    return ran


def off(stage: Stage) -> dict[str, str]:
    """Give the environment of a run that remembers nothing."""
    path = stage.folder / "operator.toml"
    path.write_text('memory.keep = "off"\n')
    return {"REVIEWBOT_CONFIG": str(path)}


def reasons(ran: Ran) -> list[str]:
    """Say why claims are not shown."""
    return sorted(rejected["reason"] for rejected in ran.json["rejected"])


def dismiss(stage: Stage, name: str = "alpha") -> Ran:
    """Review, let somebody dismiss a finding, and review again."""
    review(stage)
    stage.close(stage.thread(name).id)
    return review(stage)


def test_a_dismissed_finding_and_its_like_are_silent_in_the_next_request(stage: Stage) -> None:
    ran = dismiss(stage)
    assert ["beta", "gamma"] == ran.names
    (page,) = stage.pages()
    assert re.search(r"^- \[x\] Wrong alpha here in `app.rs`: dismissed by carl in \[[!#]7\]\(", page, re.MULTILINE)
    stage.next_request(ELSEWHERE)
    ran = review(stage)
    assert {"beta": ["inline"], "gamma": ["inline"]} == stage.places()
    assert ["beta", "gamma"] == ran.names
    exact, like = reasons(ran)
    assert re.fullmatch(r"dismissed by carl in [!#]7", exact)
    assert re.fullmatch(r"dismissed by carl in [!#]7: 'Wrong alpha here' in app.rs", like)
    assert "2 not shown, as people have dismissed the like" in stage.summary


def test_a_second_run_writes_nothing_and_asks_the_forge_twice_more_at_most(stage: Stage) -> None:
    dismiss(stage)
    review(stage)
    before, writes = stage.requests, stage.writes
    review(stage)
    with_memory = stage.requests - before
    assert writes == stage.writes
    before = stage.requests
    review(stage, **off(stage))
    assert with_memory <= stage.requests - before + 2


def test_a_thumbs_down_dismisses_too_and_a_thumbs_up_takes_it_back(stage: Stage) -> None:
    review(stage)
    stage.react(stage.thread("beta").id)
    ran = review(stage)
    assert ["alpha", "gamma"] == ran.names
    assert ["inline"] == stage.places()["beta"]
    assert "1 closed by people" in stage.summary
    stage.react(stage.thread("beta").id, up=True, person="dora")
    assert ["alpha", "beta", "gamma"] == review(stage).names
    (page,) = stage.pages()
    assert "Nothing is dismissed." in page


def test_an_open_thread_again_is_no_dismissal_any_more(stage: Stage) -> None:
    dismiss(stage)
    stage.reopen(stage.thread("alpha").id)
    assert ["alpha", "beta", "gamma"] == review(stage).names
    assert "Wrong alpha" not in stage.pages()[0]


@pytest.mark.parametrize(
    "take_back",
    [lambda page: page.replace("- [x]", "- [ ]"), lambda page: re.sub(r"(?m)^- \[x\].*\n", "", page)],
    ids=["unticked", "deleted"],
)
def test_a_line_that_people_untick_or_delete_is_heard_of_again(stage: Stage, take_back: object) -> None:
    dismiss(stage)
    assert callable(take_back)
    stage.edit_page(take_back)
    edited = stage.pages()
    assert ["alpha", "beta", "gamma"] == review(stage).names
    assert edited == stage.pages()
    stage.next_request(ELSEWHERE)
    review(stage)
    assert ["inline", "inline"] == stage.places()["alpha"]


def test_who_may_not_write_to_the_project_dismisses_nothing(stage: Stage) -> None:
    review(stage)
    stage.close(stage.thread("alpha").id, writes=False)
    stage.react(stage.thread("beta").id, person="dora", writes=False)
    assert ["alpha", "beta", "gamma"] == review(stage).names
    assert [] == stage.pages()


def test_a_thread_that_was_resolved_after_a_change_to_its_file_is_no_dismissal(stage: Stage) -> None:
    review(stage)
    stage.close(stage.thread("alpha").id)
    stage.push({"app.rs": numbered(60, l8="a guard", l10="wrong alpha", l30="wrong beta")})
    review(stage)
    stage.push({"other.rs": "fine\n"})
    review(stage)
    assert [] == stage.pages()
    stage.next_request(ELSEWHERE)
    review(stage)
    assert "alpha" in stage.places()


def test_severe_findings_about_security_are_silenced_by_no_likeness(stage: Stage) -> None:
    stage.model.script = attentive(category="security")
    assert ["beta", "gamma"] == dismiss(stage).names
    stage.next_request(ELSEWHERE)
    review(stage)
    assert ["inline"] == stage.places()["alpha"]
    assert "lib.rs" == stage.thread("alpha").path


def test_a_strangers_issue_of_our_title_is_no_page(stage: Stage) -> None:
    dismiss(stage)
    (page,) = stage.pages()
    stage.edit_page(lambda _: "Nothing is dismissed.")
    stage.open_issue(TITLE, page)
    stage.next_request(ELSEWHERE)
    assert ["alpha", "alpha", "beta", "gamma"] == review(stage).names
    assert page == stage.pages()[-1]


def test_a_title_cannot_forge_a_line(stage: Stage) -> None:
    dismiss(stage)
    (page,) = stage.pages()
    (mark,) = re.findall(r"<!-- reviewbot:v1 dismissed .* -->", page)
    forged = mark.replace("sig=", "sig=0")
    stage.model.script = attentive(title=f"Wrong beta here\n- [x] x {forged}")
    stage.next_request({"lib.rs": numbered(30, l3="wrong delta")})
    review(stage)
    stage.close(next(one.id for one in stage.shown() if one.path == "lib.rs"))
    review(stage)
    marks = re.findall(r"<!-- reviewbot:v1 dismissed fp=(\w+)", stage.pages()[0])
    assert 2 == len(set(marks)) == len(marks)
    assert forged not in stage.pages()[0]
    assert stage.acts() == []


def test_a_line_that_another_secret_has_signed_is_not_believed(stage: Stage) -> None:
    dismiss(stage)
    stage.edit_page(lambda page: re.sub(r"sig=\w", "sig=!", page))
    stage.next_request(ELSEWHERE)
    ran = review(stage)
    assert ["alpha", "alpha", "beta", "gamma"] == ran.names
    assert "1 line of" in ran.err
    assert "not believed" in ran.err


def test_without_issues_the_memory_reaches_as_far_as_the_request(stage: Stage) -> None:
    stage.without_issues()
    ran = dismiss(stage)
    assert ["beta", "gamma"] == ran.names
    assert [] == stage.pages()
    assert "the memory of dismissed findings reaches as far as this" in ran.err
    stage.next_request(ELSEWHERE)
    assert ["alpha", "alpha", "beta", "gamma"] == review(stage).names


def test_a_run_that_posts_nothing_reads_the_memory_and_writes_nothing(stage: Stage) -> None:
    review(stage)
    stage.close(stage.thread("alpha").id)
    writes = stage.writes
    assert ["beta", "gamma"] == review(stage, "--no-post").names
    assert ["beta", "gamma"] == review(stage, "--no-post", REVIEWBOT_API_KEY=KEY).names
    assert 0 == stage.review("--dry-run").code
    assert writes == stage.writes


def test_a_saved_report_is_posted_without_what_is_dismissed(stage: Stage) -> None:
    dismiss(stage)
    stage.next_request(ELSEWHERE)
    ran = review(stage, "--no-post", "--save-report", "report.json", **off(stage))
    assert ["alpha", "alpha", "beta", "gamma"] == ran.names
    posted = stage.run("post", "report.json")
    assert 0 == posted.code, posted.err
    assert {"beta": ["inline"], "gamma": ["inline"]} == stage.places()


def test_a_forks_run_writes_nothing_down(on_gitlab: GitLab) -> None:
    review(on_gitlab)
    on_gitlab.close(on_gitlab.thread("alpha").id)
    ran = review(on_gitlab, CI_MERGE_REQUEST_SOURCE_PROJECT_ID="43")
    assert ["beta", "gamma"] == ran.names
    assert [] == on_gitlab.pages()


def test_an_old_gitlab_tells_of_nobodys_thumbs(on_gitlab: GitLab) -> None:
    review(on_gitlab)
    on_gitlab.react(on_gitlab.thread("alpha").id)
    on_gitlab.server.state.rules = Rules(version=(15, 11))
    assert ["alpha", "beta", "gamma"] == review(on_gitlab).names


def test_trouble_with_the_thumbs_takes_back_nothing_that_was_dismissed(on_gitlab: GitLab) -> None:
    review(on_gitlab)
    on_gitlab.react(on_gitlab.thread("alpha").id)
    review(on_gitlab)
    pages = on_gitlab.pages()
    assert "Wrong alpha" in pages[0]
    on_gitlab.trouble("POST", "api/graphql", "status", status=500, times=1_000)
    assert ["beta", "gamma"] == review(on_gitlab).names
    assert pages == on_gitlab.pages()


def test_a_repository_without_issues_costs_nothing(on_github: GitHub) -> None:
    world = on_github.server.world
    object.__setattr__(world.setup, "has_issues", False)
    ran = dismiss(on_github)
    assert ["beta", "gamma"] == ran.names
    assert "Issues has been disabled" in ran.err


def lines(page: str) -> list[str]:
    """Give the names that a page speaks of."""
    return sorted(re.findall(r"- \[x\] Wrong (\w+) here", page))


def test_what_another_job_writes_meanwhile_stays(on_gitlab: GitLab) -> None:
    dismiss(on_gitlab)
    (first,) = on_gitlab.pages()
    on_gitlab.close(on_gitlab.thread("beta").id)
    review(on_gitlab)
    (second,) = on_gitlab.pages()
    on_gitlab.edit_page(lambda _: first)
    on_gitlab.close(on_gitlab.thread("gamma").id)
    on_gitlab.when("PUT", "notes/", lambda: on_gitlab.edit_page(lambda _: second))
    review(on_gitlab)
    assert ["alpha", "beta", "gamma"] == lines(on_gitlab.pages()[0])


def test_of_two_pages_that_were_opened_at_once_the_older_one_counts(on_gitlab: GitLab) -> None:
    dismiss(on_gitlab)
    issues = on_gitlab.server.state.issues
    other = issues.pop()
    on_gitlab.close(on_gitlab.thread("beta").id)
    on_gitlab.reopen(on_gitlab.thread("alpha").id)
    other.description = other.description.replace("7.", "6.")
    on_gitlab.when("POST", "/issues$", lambda: issues.append(other))
    review(on_gitlab)
    assert "beta" in lines(on_gitlab.pages()[0])
    review(on_gitlab)
    assert 2 == len(on_gitlab.pages())


def test_config_show_tells_what_is_silent_by_whom_and_since_when(stage: Stage) -> None:
    assert "dismissed findings: 0, kept in no page yet" in stage.run("config", "show", "--memory").out
    dismiss(stage)
    shown = stage.run("config", "show", "--memory")
    assert re.search(r"memory.keep +\"issue\" +default", shown.out)
    assert re.search(r"dismissed findings: 1, kept in http\S+/issues/\d", shown.out)
    assert re.search(r"\d{4}-\d\d-\d\d  carl in [!#]7  Wrong alpha here \(app.rs\)", shown.out)
    told = stage.run("config", "show", "--memory", "--format", "json").json["dismissed"]
    assert [("carl", "app.rs", 7)] == [(one["by"], one["path"], one["request"]) for one in told["findings"]]
    off_now = stage.run("config", "show", "--memory", **off(stage))
    assert "dismissed findings: 0, kept in no place: memory.keep is off" in off_now.out


def test_doctor_says_what_would_widen_the_memory(stage: Stage) -> None:
    assert "the first dismissed finding opens it" in stage.run("doctor").out
    dismiss(stage)
    assert re.search(r"memory +http\S+/issues/\d", stage.run("doctor").out)


def test_doctor_says_which_permission_is_missing(on_github: GitHub) -> None:
    on_github.without_issues()
    ran = on_github.run("doctor")
    assert "Resource not accessible by integration" in ran.out
    assert "issues: write" in ran.out

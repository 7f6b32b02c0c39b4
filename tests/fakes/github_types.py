"""The part of GitHub's GraphQL schema that the fake knows; what is not here does not exist."""

from collections.abc import Mapping
from types import MappingProxyType

from fakes.github_graphql import Field

_PAGE = frozenset({"first", "after"})
_INPUT = frozenset({"input"})


def _plain(names: str) -> dict[str, Field]:
    return {name: Field() for name in names.split()}


def _connection(of: str) -> dict[str, Field]:
    return {"nodes": Field(type=of), "pageInfo": Field(type="PageInfo"), "totalCount": Field()}


TABLE: Mapping[str, Mapping[str, Field]] = MappingProxyType(
    {
        "Query": {
            "viewer": Field(type="User"),
            "repository": Field(type="Repository", arguments=frozenset({"owner", "name"})),
        },
        "Mutation": {
            "resolveReviewThread": Field(type="ThreadPayload", arguments=_INPUT),
            "unresolveReviewThread": Field(type="ThreadPayload", arguments=_INPUT),
            "minimizeComment": Field(type="MinimizePayload", arguments=_INPUT),
        },
        "ThreadPayload": {"thread": Field(type="PullRequestReviewThread"), "clientMutationId": Field()},
        "MinimizePayload": {"minimizedComment": Field(type="Minimizable"), "clientMutationId": Field()},
        "Minimizable": _plain("isMinimized minimizedReason"),
        "User": _plain("login id databaseId url"),
        "Bot": _plain("login id databaseId url"),
        # An actor has no number of its own: `... on Bot { databaseId }` asks for it.
        "Actor": _plain("login url"),
        "Repository": {
            **_plain("id databaseId nameWithOwner isPrivate"),
            "pullRequest": Field(type="PullRequest", arguments=frozenset({"number"})),
        },
        "PullRequest": {
            **_plain("id databaseId number title state isDraft headRefOid baseRefOid"),
            "author": Field(type="Actor"),
            "reviewThreads": Field(type="Threads", arguments=_PAGE),
        },
        "Threads": _connection("PullRequestReviewThread"),
        "PullRequestReviewThread": {
            **_plain(
                "id isResolved isOutdated isCollapsed path line startLine originalLine originalStartLine diffSide"
            ),
            **_plain("startDiffSide subjectType viewerCanResolve viewerCanUnresolve viewerCanReply"),
            "resolvedBy": Field(type="User"),
            "comments": Field(type="Comments", arguments=_PAGE),
        },
        "Comments": _connection("PullRequestReviewComment"),
        "PullRequestReviewComment": {
            **_plain(
                "id databaseId fullDatabaseId body path line originalLine createdAt url state isMinimized outdated"
            ),
            **_plain("authorAssociation viewerDidAuthor minimizedReason"),
            "author": Field(type="Actor"),
        },
        "PageInfo": _plain("hasNextPage endCursor hasPreviousPage startCursor"),
    }
)

"""GitLab: merge requests read and reviewed through python-gitlab.

Reading and positions are pure (`reading`, `positions`); `calls` sends, waits and explains refusals; `drafts`
and `posting` write. Only who chose GitLab imports this package: the library takes 0.2 s to load.
"""

from reviewbot.forges.gitlab.calls import Access
from reviewbot.forges.gitlab.forge import GitLabForge
from reviewbot.forges.gitlab.permissions import Permissions

__all__ = ["Access", "GitLabForge", "Permissions"]

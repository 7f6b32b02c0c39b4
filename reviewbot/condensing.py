"""The stretch of the journey that tells people what a change does: one request, whose failure costs words alone."""

import asyncio

from reviewbot.domain.patch import Patch
from reviewbot.domain.synopsis import Synopsis
from reviewbot.errors import BudgetExceeded, ProviderError
from reviewbot.reviewing import Asking, Form, answered
from reviewbot.steps import condensing, decoding
from reviewbot.steps.condensing import Words

INTERRUPTED = "the run was interrupted"


async def condense(asking: Asking, system: str, words: Words, patch: Patch) -> Synopsis | str:
    """Ask what a change does; gives that, or why there is no answer. Never raises.

    ``asking.options`` are those of summaries, ``system`` is from `reviewbot.steps.condensing.system`.
    """
    prompt = condensing.prompt(asking.templates, system, words, patch, asking.count)
    form = Form(options=asking.options, read=decoding.synopsis, repair=condensing.repair)
    try:
        told, _ = await answered(asking, prompt, form)
    except asyncio.CancelledError:
        return INTERRUPTED
    except (BudgetExceeded, ProviderError, decoding.MalformedError) as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - a bug here must not cost the review
        return f"a bug in reviewbot, please report it: {type(error).__name__}: {error}"
    return told

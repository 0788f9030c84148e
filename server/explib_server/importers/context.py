"""Words that a client puts into the conversation itself: never a person's request."""

from __future__ import annotations

import re

_CONTEXT = re.compile(
    r"""\s*(?:
        <(?:environment_context|user_instructions|INSTRUCTIONS|permissions|turn_aborted|system-reminder|hook_context
          |session_context|local-command-\w+|command-(?:name|message|args|contents)|bash-(?:input|stdout|stderr)
          |user-prompt-submit-hook|task-notification|ide_\w+|skill|collaboration_mode|subagent_notification)\b
        | Caveat:\ The\ messages\ below
        | \#\ AGENTS\.md\ instructions
        | \[Request\ interrupted\ by\ user
        | This\ session\ is\ being\ continued\ from\ a\ previous\ conversation
    )""",
    re.VERBOSE,
)


def is_context(text: str) -> bool:
    """Tell by its beginning that a text is the client's own."""
    return _CONTEXT.match(text) is not None

"""One-click links: opened by the client, they put the same entry into its configuration as `explib attach` does."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, urlencode

from explib.errors import InvalidInput
from explib_server.clients.catalogue import CLIENTS
from explib_server.clients.entries import Attachment
from explib_server.clients.places import ClientName

CURSOR = "https://cursor.com/en/install-mcp"
VSCODE = "https://insiders.vscode.dev/redirect/mcp/install"


def link(client: ClientName, asked: Attachment) -> str:
    """The link for what is asked. A token is never in a link. Raises InvalidInput for a client without links."""
    if asked.token:
        raise InvalidInput("A link is handed around, so no token goes into it: leave out --token.")
    entry = CLIENTS[client].entry(asked).fresh()
    if client is ClientName.cursor:
        config = base64.b64encode(json.dumps(entry, separators=(",", ":")).encode()).decode()
        return f"{CURSOR}?{urlencode({'name': asked.name, 'config': config})}"
    if client is ClientName.vscode:
        return f"{VSCODE}?name={quote(asked.name)}&config={quote(json.dumps(entry, separators=(',', ':')), safe='')}"
    raise InvalidInput(f"{CLIENTS[client].title} knows no links: leave out --link.")

"""Tokens that the sandbox issued and that a fault makes invalid."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field, replace

from billing_pipeline.sandbox.messages import Answer, Request


@dataclass
class TokenLimits:
    """How many more requests each token is accepted for; tokens without a limit are not in `left`."""

    left: dict[str, int] = field(default_factory=dict)
    issued: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, answer: Answer) -> None:
        """Remember the token that an answer of the token endpoint issues."""
        if answer.status == 200:
            self.issued.append(json.loads(answer.body)["access_token"])

    def limit(self, token: str, requests: int) -> None:
        """Accept the token for so many requests only."""
        self.left[token] = requests

    def revoke_all(self) -> None:
        """Accept no token issued so far."""
        self.left |= dict.fromkeys(self.issued, 0)

    def apply(self, request: Request) -> Request:
        """The request, without its token if the token is used up; to be called once for each request."""
        token = request.headers.get("authorization", "").partition(" ")[2].strip()
        with self.lock:
            left = self.left.get(token)
            if left is None:
                return request
            self.left[token] = left - 1
        if left > 0:
            return request
        return replace(request, headers={**request.headers, "authorization": "Bearer revoked"})

"""What a client tells of itself, in `x-amz-user-agent`: claims, which nothing hangs on."""

from __future__ import annotations

import re

# The API's: so long is an SDKType.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
# A product that is named for liveness, wherever it stands: AWS's SDK tells what its component adds as one word, with
# hyphens for spaces.
_LIVENESS = re.compile(r"(?<![A-Za-z0-9])[A-Za-z][A-Za-z-]{0,55}liveness(?![A-Za-z0-9])", re.IGNORECASE)
# More is not looked at: AWS's clients tell some 250 characters.
_MOST = 1024


def kind_of(agent: str) -> str:
    """The kind of client of a user agent (`name/version name/version …`): 1 to 64 characters, or none.

    The first product that is named for liveness, as AWS's `ui-react-liveness` is, and else the first: the SDK itself.
    """
    told = agent[:_MOST]
    if found := _LIVENESS.search(told):
        return found[0]
    names = [product.partition("/")[0] for product in told.split()]
    return next((name for name in names if _NAME.fullmatch(name)), "")

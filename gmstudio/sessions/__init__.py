"""One training from start to end: steps, observing, recording, commands; for the window and the command line."""

from gmstudio.sessions.messages import ALL_PARTS, Look, Outcome, Status
from gmstudio.sessions.preview import Preview
from gmstudio.sessions.session import Session

__all__ = ["ALL_PARTS", "Look", "Outcome", "Preview", "Session", "Status"]

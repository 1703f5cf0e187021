"""The HTTP machinery that all surfaces share: from the front that every request passes to the words of a refusal."""

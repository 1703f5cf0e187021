"""The public survey page: a person takes a survey in a browser, one question a step, with or without JavaScript."""

from tellback.take.app import surface

__all__ = ["surface"]

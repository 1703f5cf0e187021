"""Which surface owns a path."""

from __future__ import annotations

import pytest

from tellback.kit import answers, dispatch, problems


async def _app(scope: answers.Scope, receive: answers.Receive, send: answers.Send) -> None:
    raise AssertionError("nobody asks it")


def surface(name: str, *prefixes: str) -> dispatch.Surface:
    return dispatch.Surface(name, prefixes, _app, problems.refusal)


DISPATCHER = dispatch.Dispatcher(
    [
        surface("centercode", "/api/v1/"),
        surface("centracx", "/surveys"),
        surface("customergauge", "/records", "/v6/rest/", "/hooks/", "/oauth2/token"),
        surface("cention", "/s/*/capi/json/"),
        surface("hub", "/hub/v1/"),
        surface("operations", "/healthz/live", "/healthz/ready", "/metrics"),
        surface("inner", "/hub/v1/inner/"),
    ]
)


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        ("/api/v1/projects/x", "centercode"),
        ("/api/v1/", "centercode"),
        ("/api/v1", "centercode"),
        ("/api/v2/x", "none"),
        ("/api", "none"),
        ("/surveys", "centracx"),
        ("/surveys/2/sessions", "centracx"),
        ("/surveys-old", "none"),
        ("/SURVEYS", "none"),
        ("/records", "customergauge"),
        ("/v6/rest/x", "customergauge"),
        ("/oauth2/token", "customergauge"),
        ("/oauth2/tokens", "none"),
        ("/s/demo/capi/json/x", "cention"),
        ("/s/demo/capi/json", "cention"),
        ("/s/a.b-c/capi/json/x/y", "cention"),
        ("/s/demo/capi/jsonp", "none"),
        ("/s/demo/capi", "none"),
        ("/s//capi/json/x", "none"),
        ("/s/demo/more/capi/json/x", "none"),
        ("/s", "none"),
        ("/hub/v1/tickets", "hub"),
        ("/hub/v1/inner/x", "inner"),
        ("/hub/v1/innermost", "hub"),
        ("/healthz/live", "operations"),
        ("/healthz", "none"),
        ("/metrics", "operations"),
        ("/", "none"),
        ("", "none"),
        ("//api/v1/x", "none"),
        ("*", "none"),
    ],
)
def test_finds_the_longest_prefix_on_a_segment_boundary(path: str, owner: str) -> None:
    assert DISPATCHER.surface_of(path).name == owner


def test_refuses_two_owners_of_one_prefix() -> None:
    with pytest.raises(ValueError, match="/records"):
        dispatch.Dispatcher([surface("a", "/records"), surface("b", "/records/")])

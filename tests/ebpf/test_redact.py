"""Redaction: what stays readable, what is replaced, and that nothing else can stand in a record."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebpf import redact
from ebpf.calls import Call, HttpCall, SqlCall, cleaners


@pytest.mark.parametrize(("path", "route"), [
    ("/", "/"), ("/orders", "/orders"), ("/api/v1/getUserById", "/api/v1/getUserById"), ("/a/b/", "/a/b/"), ("*", "*"), ("", ""),
    ("/orders/17", "/orders/{id}"), ("/orders/-3.5", "/orders/{id}"), ("/o/550e8400-e29b-41d4-a716-446655440000/x", "/o/{id}/x"),
    ("/c/deadbeef", "/c/{id}"), ("/c/4f2a", "/c/{id}"), ("/u/jo@example.com", "/u/{email}"), ("/u/jo%40example.com", "/u/{email}"),
    ("/search/new%20york", "/search/{text}"), ("/menü", "/{text}"), ("/static/main.js", "/static/main.js"),
    ("/static/app.3fa9c1d2.js", "/static/{id}.js"), ("/oauth2/callback", "/oauth2/callback"), ("/reports/2024-01-31", "/reports/{id}"),
    ("/x;jsessionid=AB12/y", "/x/y"), ("/a?token=abc", "/a"), ("/a#frag", "/a"), ("/password/reset", "/password/reset"),
    ("/reset-password/hunter", "/reset-password/{secret}"), ("/api/token/refresh", "/api/token/refresh"),
    ("/tokens/abc", "/tokens/{secret}"), ("/graphql", "/graphql"), ("/XMLHttpRequest", "/XMLHttpRequest"), ("/app_v2/_search", "/app_v2/_search"),
    ("/v1/projects/my-project-123/topics", "/v1/projects/{id}/topics"), ("/rest/issue/ABC-123", "/rest/issue/{id}"), ("/sso/saml2/acs", "/sso/saml2/acs"),
    ("/x/IQoJb3JpZ2lul4IOh7UoGPd27CzoEObR/WoxrXu/x", "/x/{token}/{token}/x"), ("/healthz", "/healthz"), ("/metrics", "/metrics"), ("/.well-known/openid-configuration", "/.well-known/openid-configuration"),
    ("/f/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-DEF_ghi", "/f/{token}"), ("/k/dGhpc0lzQVNlY3JldA", "/k/{token}"),
    ("/k/kqzxwvbnmtrdfg", "/k/{token}"), ("no-slash", "{other}"), ("/" + "a/" * 20, "/" + "a/" * 16 + "{more}"),
])
def test_a_path_becomes_a_route(path: str, route: str) -> None:
    assert redact.route(path) == route


@pytest.mark.parametrize(("query", "names"), [
    ("a=1&b=2", ("a", "b")), ("page=1;size=2", ("page", "size")), ("x", ()), ("=v", ()), ("hunter2S3=1", ()), ("user_id=1&user_id=2", ("user_id",)),
    ("AKIAIOSFODNN7EXAMPLE=1&q=2", ("q",)), ("", ()),
])
def test_of_a_query_only_plain_names_stay(query: str, names: tuple[str, ...]) -> None:
    assert redact.query_names(query) == names


@pytest.mark.parametrize(("raw", "clean"), [
    ("shop.example:80", "shop.example:80"), ("u:p@shop", "shop"), ("[::1]:80", "[::1]:80"), ("10.0.0.1", "10.0.0.1"),
    ("payments-7d9f8b6c5-x2x4z.shop.svc.cluster.local", "payments-7d9f8b6c5-x2x4z.shop.svc.cluster.local"),
    ("d3f1a2b4c5.execute-api.eu-west-1.amazonaws.com", "{token}.execute-api.eu-west-1.amazonaws.com"), ("sHoP.eXaMpLe", "shop.example"),
    ("a b", "{text}"), ("AKIAIOSFODNN7EXAMPLE.example", "{token}.example"), ("shop:http", "{text}"), ("x" * 300, "{other}"),
])
def test_a_host_has_no_userinfo_and_no_token(raw: str, clean: str) -> None:
    assert redact.authority(raw) == clean


@pytest.mark.parametrize(("raw", "clean"), [
    ("text/html; charset=utf-8; boundary=S3cret", "text/html"), ("Application/JSON", "application/json"), ("S3cret", ""),
    ("application/vnd.api+json", "application/vnd.api+json"), ("application/AKIAIOSFODNN7EXAMPLE", "application/{other}"),
])
def test_a_content_type_is_a_type(raw: str, clean: str) -> None:
    assert redact.content_type(raw) == clean


def test_a_record_redacts_what_it_is_made_of() -> None:
    call = HttpCall(
        connection=1, start=1, first=1, duration=1, server=True, peer="hunter2", port=1, request_size=1, response_size=1,
        unknown=("hunter 2!",), method="hunter2", route="/x/hunter2", query=("hunter2",), host="hunter 2", content_type="hunter2",
        version="hunter2hunter2hunter2hunter2hunter2",
    )

    assert "hunter" not in repr(call)


def test_a_statement_is_scrubbed_even_if_a_parser_forgot() -> None:
    call = SqlCall(connection=1, start=1, first=1, duration=1, server=True, peer="", port=1, request_size=1, response_size=1, system="mysql", query="select 'hunter2', 5")

    assert call.query == "select ?, ?"


def test_a_text_field_without_a_cleaner_is_refused() -> None:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Raw(Call):
        body: str

    with pytest.raises(TypeError, match=r"Raw\.body is text without a cleaner"):
        Raw(connection=1, start=1, first=1, duration=1, server=True, peer="", port=1, request_size=1, response_size=1, body="x")


@pytest.mark.parametrize("kind", Call.__subclasses__())
def test_every_text_of_every_record_has_a_cleaner(kind: type[Call]) -> None:
    if kind.__module__ == Call.__module__:
        assert cleaners(kind)


@pytest.mark.parametrize(("raw", "clean"), [
    ("shop.v1.Cart", "shop.v1.Cart"), ("grpc.health.v1.Health", "grpc.health.v1.Health"), ("BatchGetEC2Instances", "BatchGetEC2Instances"),
    ("my_pkg.My_Service", "my_pkg.My_Service"), ("v1beta1.Base64Encode", "v1beta1.Base64Encode"), ("Q0xhnTf0baN", "{other}"), ("", ""),
    ("KoiFkYRvjdFWI5", "{other}"), ("a b", "{other}"), ("x" * 200, "{other}"), ("sk_live_S3cretS3cretS3cret42", "{other}"),
])
def test_names_of_services_are_words(raw: str, clean: str) -> None:
    assert redact.dotted(raw) == clean


@given(st.text(st.sampled_from("aZ09/.-_%?#=;@{}[]:~ é\n"), max_size=60))
def test_cleaning_again_changes_nothing(text: str) -> None:
    for clean in (redact.route, redact.authority, redact.hostname, redact.dotted, redact.content_type, redact.word, redact.method, redact.sqlstate):
        assert clean(clean(text)) == clean(text)


@pytest.mark.parametrize("key", ["sk_live_S3cret", "ghp_S3cretS3c", "github_pat_S3cr", "AKIAS3CRETS3", "rk_test_S3cret", "eyJhbGciOiJI"])
def test_what_begins_as_keys_do_is_hidden_though_cut(key: str) -> None:
    assert key not in redact.sql(f"INSERT INTO items VALUES (?, {key}")
    assert key not in redact.route(f"/items/{key}")

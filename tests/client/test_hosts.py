import pytest

from okdrop.client.hosts import api_endpoint, upload_url
from okdrop.errors import ConfigurationError, GaveUp

HOSTS = ("*.okcdn.ru", "*.mycdn.me", "127.0.0.1", "[::1]")


@pytest.mark.parametrize(
    "url",
    [
        "https://vu.okcdn.ru/upload.do?sig=x",
        "https://VU.OKCDN.RU:8443/upload.do",
        "https://vu.mycdn.me",
        "http://127.0.0.1:8080/?a",
        "http://[::1]:8080/?a",
    ],
)
def test_a_listed_host_may_be_contacted(url: str) -> None:
    assert upload_url(url, HOSTS).host


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/upload.do?sig=x",
        "https://okcdn.ru.evil.example/",
        "https://evil.example/.okcdn.ru",
        "https://evil.example#.okcdn.ru",
        "https://evil.example\\.okcdn.ru/",
        "https://user@vu.okcdn.ru/",
        "https://vu.okcdn.ru:pass@evil.example/",
        "https://vu.okcdn.ru/#fragment",
        "https://vu.okcdn.ru/#",
        "http://vu.okcdn.ru/upload.do",
        "http://localhost/",
        "ftp://vu.okcdn.ru/",
        "vu.okcdn.ru/upload.do",
        "https:///upload.do",
        "https://vu.okcdn.ru:port/",
        "https://vu.okcdn.ru/ HTTP/1.1\r\nX: y",
        "https://vu.okcdn.ru/\u0430",
        "",
        "https://[::1",
    ],
)
def test_any_other_is_refused_without_showing_the_signature(url: str) -> None:
    with pytest.raises(GaveUp) as raised:
        upload_url(url, HOSTS)
    assert raised.value.code == "upload_host_refused"
    assert "ok.upload_hosts" in raised.value.hint
    assert "sig" not in str(raised.value)


@pytest.mark.parametrize(
    ("base", "endpoint"),
    [
        ("https://api.ok.ru", "https://api.ok.ru/fb.do"),
        ("https://api.ok.ru/", "https://api.ok.ru/fb.do"),
        ("http://localhost:8000/ok", "http://localhost:8000/ok/fb.do"),
    ],
)
def test_the_endpoint_of_the_api(base: str, endpoint: str) -> None:
    assert str(api_endpoint(base)) == endpoint


@pytest.mark.parametrize(
    "base", ["http://api.ok.ru", "api.ok.ru", "", "https://u:p@api.ok.ru", "https://api.ok.ru?a=b"]
)
def test_an_api_url_that_cannot_be_used_is_a_configuration_error(base: str) -> None:
    with pytest.raises(ConfigurationError, match=r"ok\.api_url"):
        api_endpoint(base)

"""Settings come from MEDCONSULT_* variables and `.env`, and wrong ones are refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from medconsult.settings import SettingsError, as_environment, load_settings


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_variable_sets_a_field(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDCONSULT_PORT", "8010")
    assert load_settings().port == 8010


def test_the_env_file_sets_a_field_and_the_environment_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("MEDCONSULT_PORT=8010\nMEDCONSULT_WORKERS=3\nOTHER=1\n")
    monkeypatch.setenv("MEDCONSULT_PORT", "8020")
    settings = load_settings()
    assert (settings.port, settings.workers) == (8020, 3)


def test_the_command_line_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDCONSULT_PORT", "8010")
    assert load_settings(port=8030).port == 8030
    assert load_settings(port=None).port == 8010


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MEDCONSULT_PORT", "eighty"),
        ("MEDCONSULT_WORKERS", "0"),
        ("MEDCONSULT_REFERENTIAL_INTEGRITY", "sometimes"),
        ("MEDCONSULT_DATABASE_URL", "mysql://localhost/x"),
        ("MEDCONSULT_BASE_URL", "example.org"),
        ("MEDCONSULT_OPEN", "perhaps"),
    ],
)
def test_a_wrong_value_is_refused_by_name(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        load_settings()


def test_an_unknown_name_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDCONSULT_PROT", "8010")
    with pytest.raises(SettingsError, match="MEDCONSULT_PROT: no such setting"):
        load_settings()


def test_an_unknown_name_in_the_env_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("MEDCONSULT_PROT=8010\n")
    with pytest.raises(SettingsError, match="MEDCONSULT_PROT"):
        load_settings()


def test_s3_names_the_settings_that_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDCONSULT_BLOB_STORE", "s3")
    monkeypatch.setenv("MEDCONSULT_S3_ENDPOINT", "localhost:8333")
    with pytest.raises(SettingsError, match="MEDCONSULT_S3_BUCKET") as refused:
        load_settings()
    assert "MEDCONSULT_S3_ENDPOINT" not in str(refused.value)


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDCONSULT_DATABASE_URL", "postgresql://me:opensesame@localhost/x")
    monkeypatch.setenv("MEDCONSULT_S3_SECRET_KEY", "opensesame")
    assert "opensesame" not in repr(load_settings())


def test_a_worker_reads_the_very_same_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDCONSULT_CORS_ORIGINS", "https://a.example, https://b.example")
    monkeypatch.setenv("MEDCONSULT_S3_SECRET_KEY", "opensesame")
    settings = load_settings(open=True, workers=2)
    assert settings.cors_origins == ("https://a.example", "https://b.example")
    for name, value in as_environment(settings).items():
        monkeypatch.setenv(name, value)
    assert load_settings() == settings


def test_the_public_url_follows_host_and_port_unless_given() -> None:
    assert load_settings(port=8010).public_url == "http://127.0.0.1:8010"
    assert load_settings(host="::1").public_url == "http://[::1]:8000"
    assert load_settings(base_url="https://a.example/").public_url == "https://a.example"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MEDCONSULT_SMTP_URL", "http://mail.example"),
        ("MEDCONSULT_SMTP_URL", "smtp://me:a/b@mail.example"),
        ("MEDCONSULT_MAIL_FROM", "nobody"),
        ("MEDCONSULT_MAIL_FROM", "a\nBcc: b <c@example.org>"),
    ],
)
def test_a_mail_setting_that_cannot_be_is_refused(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        load_settings()


@pytest.mark.parametrize(
    "url", ["smtp://localhost", "smtps://me:a%40b@mail.example:465", "smtp://[::1]:25"]
)
def test_a_mail_server_is_taken(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDCONSULT_SMTP_URL", url)
    monkeypatch.setenv("MEDCONSULT_MAIL_FROM", "post@example.org")
    assert load_settings().smtp_url.get_secret_value() == url

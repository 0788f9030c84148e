from __future__ import annotations

import pytest

from explib.text.redaction import redact


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Write to bob.o'x@mail.example.org today.", "email"),
        ("call +1 (415) 555-2671 now", "phone"),
        ("+49 30 901820 is the desk", "phone"),
        ("phone: 030 1234567", "phone"),
        ("card 4111 1111 1111 1111", "card"),
        ("card 378282246310005", "card"),
        ("DE89 3704 0044 0532 0130 00 then", "iban"),
        ("account number: 12345678901", "account"),
        ("his SSN is 123-45-6789", "national-id"),
        ("cpf 390.533.447-05", "national-id"),
        ("pesel 44051401359", "national-id"),
        ("RSSMRA85T10A562S", "national-id"),
    ],
)
def test_personal_data_is_recognised(text: str, kind: str) -> None:
    assert redact(text, personal=True)[1] == {kind: 1}


@pytest.mark.parametrize(
    "text",
    [
        "git@github.com:a/b.git",
        "commit 1234567890123456 at 1700000000000",
        "2024-01-02 12:33:44 version 1.2.3.4 of build 20240102-1234",
        "uuid 123e4567-e89b-12d3-a456-426614174000",
        "pi is 3.14159265358979, order 44051401359",
        "192.168.0.1:8080 and +10000000 lines",
    ],
)
def test_other_numbers_stay(text: str) -> None:
    assert redact(text, personal=True) == (text, {})

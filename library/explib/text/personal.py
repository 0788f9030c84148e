"""Personal data that a check digit, a numbering plan or a name before it tells from other numbers.

Telephone numbers by `phonenumbers`; payment cards, IBANs and national ids by `python-stdnum` (both in the extra
`personal`); e-mail addresses by their form. Names, postal and IP addresses are not looked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from types import ModuleType

import phonenumbers
from stdnum import iban, luhn

_EMAIL = re.compile(
    r"(?<![\w.%+@-])[\w.%+-]{1,64}+@[\w-]{1,63}+(?:\.[\w-]{1,63}+){0,7}\.[^\W\d_]{2,24}+(?![\w@-]|:[\w/])"
)
_PLUS_PHONE = re.compile(r"(?<![\w+.])(?:\+|00 ?)[1-9][\d ().\-/\u00a0\u2011]{6,20}\d(?![\w])")
_GROUPED_PHONE = re.compile(
    r"(?<![\w.+/-])(?:1[ .-])?(?:\([2-9]\d{2}\)[ .-]?|[2-9]\d{2}[.-])[2-9]\d{2}[.-]\d{4}(?![\w-]|\.\d)"
)
_CALLED_PHONE = re.compile(
    r"\b(?:phone|tel|telephone|téléphone|telefon\w{0,8}|teléfono|tél|mobile|cell|handy|móvil|celular|whatsapp|fax"
    r"|call|sms|ring|mobil"
    r"|phone[_ ]?(?:number|no)|телефон|电话|電話|手机|전화)(?:\s?(?:number|no|nummer|nr|num))?[\"'\\]{0,4}"
    r"[ \t.:#=]{0,4}"
    r"(?:me |us |at |on |is ){0,2}"
    r"[\"'\\]{0,4}(?P<v>\(?\d[\d ().\-/]{5,18}\d)(?!\w)",
    re.IGNORECASE,
)
_CARD = re.compile(
    r"(?<![\w.-])(?:[3-6]\d{3}|2[2-7]\d{2})(?:[ -]?\d{4}[ -]?\d{4}[ -]?\d{4}(?:\d{0,3})|[ -]?\d{6}[ -]?\d{4,5})"
    r"(?![\w-]|\.\d)"
)
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,3})?(?![A-Za-z0-9])")
_ACCOUNT = re.compile(
    r"\b(?:account|acct|konto|compte|cuenta|rekening|routing|bank account|sort code)(?:[ _]?(?:number|no|nr"
    r"|nummer|num))?"
    r"[\"'\\]{0,4}[ \t.:#=]{1,4}(?:is )?[\"'\\]{0,4}(?P<v>\d[\d -]{6,20}\d)(?![\w-])",
    re.IGNORECASE,
)
_ID_WORDS = re.compile(
    r"(?i)\b(?:ssn|social security|national (?:id|insurance)|identity|id[- ]?(?:card|number|no)|personal "
    r"(?:number|code)|passport|tax ?id|tin"
    r"|nif|nie|dni|bsn|cpf|pesel|nir|insee|steuer\w{0,20}|aadhaar|aadhar|nhs|egn|oib|cnp|cpr|hetu|personnummer"
    r"|fødselsnummer"
    r"|codice fiscale|burgerservicenummer|rodné|tc kimlik|rut|curp|ahv|avs|numéro de sécu\w{0,5}|sécurité sociale)\b"
)
_SOCIAL_SECURITY = re.compile(r"(?<![\w.+-])\d{3}-\d{2}-\d{4}(?![\w-]|\.\d)")
_CONTEXT_CHARACTERS = 60
_IDS = (
    (r"[A-Z]{6}\d{2}[A-Z]\d{2}[A-Z]\d{3}[A-Z]", "it.codicefiscale", False),
    (r"[A-Z]{4}\d{6}[HMX][A-Z]{5}[A-Z0-9]\d", "mx.curp", False),
    (r"[12] ?\d{2} ?\d{2} ?\d[\dAB] ?\d{3} ?\d{3} ?\d{2}", "fr.nir", False),
    (r"\d{3}\.\d{3}\.\d{3}-\d{2}", "br.cpf", False),
    (r"756\.\d{4}\.\d{4}\.\d{2}", "ch.ssn", False),
    (r"\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}", "be.nn", False),
    (r"\d{6}[-+A-F]\d{3}[0-9A-Y]", "fi.hetu", False),
    (r"[1-9]\d{16}[0-9X]", "cn.ric", False),
    (r"(?:\d{8}|[XYZ]\d{7})-?[A-Z]", "es.nif", False),
    (r"\d{1,2}\.\d{3}\.\d{3}-[\dK]", "cl.rut", False),
    (r"\d{6,8}[-+]\d{4}", "se.personnummer", False),
    (r"\d{6}-\d{7}", "kr.rrn", False),
    (r"\d{4}[ -]?\d{4}[ -]?\d{4}", "in_.aadhaar", True),
    (r"\d{9}", "us.ssn", True),
    (r"\d{11}", "pl.pesel", True),
    (r"\d{11}", "br.cpf", True),
    (r"\d{2} ?\d{3} ?\d{3} ?\d{3}", "de.idnr", True),
    (r"\d{11}", "hr.oib", True),
    (r"\d{11}", "tr.tckimlik", True),
    (r"\d{11}", "no.fodselsnummer", True),
    (r"\d{9}", "nl.bsn", True),
    (r"\d{9}", "pt.nif", True),
    (r"\d{6}-?\d{4}", "dk.cpr", True),
    (r"\d{10}", "bg.egn", True),
    (r"\d{13}", "ro.cnp", True),
    (r"\d{13}", "za.idnr", True),
    (r"\d{3}[ -]?\d{3}[ -]?\d{4}", "gb.nhs", True),
    (r"\d{6}/\d{3,4}", "cz.rc", False),
)
"""Form, validator in `stdnum`, and whether a word such as "SSN" must stand before it: many numbers pass the check."""


def personal_data(text: str) -> Iterator[tuple[int, int, str]]:
    """Where personal data begins and ends in the text, and its kind."""
    if "@" in text:
        for match in _EMAIL.finditer(text):
            yield *match.span(), "email"
    for match in _CARD.finditer(text):
        if luhn.is_valid(re.sub("[ -]", "", match[0])):
            yield *match.span(), "card"
    yield from _accounts(text)
    for match in _SOCIAL_SECURITY.finditer(text):
        yield *match.span(), "national-id"
    for pattern, validator, in_context in _id_forms():
        for match in pattern.finditer(text):
            if _module(validator).is_valid(match[0]) and (not in_context or _says_id(text, match.start())):
                yield *match.span(), "national-id"
    yield from _phones(text)


def _accounts(text: str) -> Iterator[tuple[int, int, str]]:
    for match in _IBAN.finditer(text):
        end = match.end()
        while end - match.start() > len("NO9386011117947") - 1 and not iban.is_valid(text[match.start() : end]):
            end -= 1
        if iban.is_valid(text[match.start() : end]):
            yield match.start(), end, "iban"
    for match in _ACCOUNT.finditer(text):
        yield *match.span("v"), "account"


def _phones(text: str) -> Iterator[tuple[int, int, str]]:
    for match in _PLUS_PHONE.finditer(text):
        if _is_phone("+" + match[0].removeprefix("00").lstrip(" +"), None):
            yield *match.span(), "phone"
    for match in _GROUPED_PHONE.finditer(text):
        if _is_phone(match[0], "US"):
            yield *match.span(), "phone"
    for match in _CALLED_PHONE.finditer(text):
        yield *match.span("v"), "phone"


def _is_phone(number: str, region: str | None) -> bool:
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return False
    grouped = not number.lstrip("+").isdigit()
    return phonenumbers.is_possible_number(parsed) if grouped else phonenumbers.is_valid_number(parsed)


def _says_id(text: str, at: int) -> bool:
    return _ID_WORDS.search(text, max(0, at - _CONTEXT_CHARACTERS), at) is not None


@cache
def _id_forms() -> tuple[tuple[re.Pattern[str], str, bool], ...]:
    return tuple(
        (re.compile(rf"(?<![\w.+-]){form}(?![\w-]|\.\d)", re.ASCII), validator, in_context)
        for form, validator, in_context in _IDS
    )


@cache
def _module(validator: str) -> ModuleType:
    return import_module(f"stdnum.{validator}")

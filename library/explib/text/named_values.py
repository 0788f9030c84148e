"""Secrets that are known by what stands before them: a name, a header, a flag, a file's layout, a sentence."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

from explib.text.rules import Rule, is_name, is_placeholder, looks_made

_QUALIFIERS = (
    "api|access|private|account|auth|client|app|master|encryption|signing|session|deploy|license|shared|hmac|jwt"
    "|service"
    "|storage|webhook|consumer|admin|publish|write|server|secret|sharedaccess"
)
_BEHIND = "|".join(f"(?<={word}{mark})" for word in _QUALIFIERS.split("|") for mark in ("", "[_. -]"))
_KEY = (
    r"(?:pass(?:word|wd|phrase|code)?s?|pwd|secret(?:[_.-]?key(?:[_.-]?base)?)?"
    rf"|(?:{_BEHIND})key|key-data|_auth|credentials?|token|session(?:[_-]?id)?|(?<=connect\.)sid|(?<=phpses)sid|\bsid)"
)
_NAMED = (
    r"(?:password|passwd|passphrase|passcode|pwd|secret|credential|token|api[_.-]?key|access[_.-]?key|private[_.-]?key"
    r"|secret[_.-]?key|signing[_.-]?key|encryption[_.-]?key|master[_.-]?key|auth[_.-]?key|account[_.-]?key"
    r"|_pass\b|_key\b)"
)
_PROSE = (
    "mot de passe", "mdp", "jeton", "clé api",
    "cle api", "clé secrète", "clé d'accès", "passwort",
    "kennwort", "geheimnis", "zugangscode",
    "api-schlüssel", "zugangsschlüssel", "contraseña", "contrasena",
    "clave", "clave secreta", "clave de acceso", "senha", "palavra-passe", "chave secreta",
    "chave de acesso", "parola", "parola d'ordine",
    "chiave segreta", "chiave api", "wachtwoord", "sleutel",
    "hasło", "haslo", "heslo", "lösenord",
    "passord", "adgangskode", "kodeord", "salasana", "jelszó",
    "parolă", "parole", "şifre", "sifre", "sandi",
    "kata sandi", "mật khẩu", "пароль", "пароля", "паролем",
    "пароля к", "токен", "ключ", "ключ api",
    "ключ доступа", "секрет", "κωδικός", "סיסמה", "كلمة المرور",
    "كلمة السر", "पासवर्ड", "รหัสผ่าน", "パスワード", "暗証番号", "秘密鍵",
    "トークン", "apiキー", "密码", "密碼", "口令", "令牌",
    "密钥", "密鑰", "비밀번호", "암호", "토큰",
)  # fmt: skip
"""How people in other languages than English call a secret, in small letters."""
_ENGLISH = (
    "password",
    "passcode",
    "passphrase",
    "secret",
    "api key",
    "access key",
    "secret key",
    "private key",
    "token",
    "credential",
)
_IS = (
    r"(?:\s{0,3}[:：=＝]|\s{1,3}(?:is|are|was|to|ist|lautet|war|est|es|è|é|e|är|er|on|jest|je|is|este|adalah|là|это"
    r"|—|–|-)"
    r"\s{0,2}:?|\s{0,2}(?:は|が|是|为|為|：|는|은|이|가|を)|\s{1,3}[«„“\"'`(])"
)
_IS_ENGLISH = (
    r"(?:\s{1,3}(?:is|are|was|to|being|becomes|è|é|ist|est|es|är|er|=|—|–)\s{0,2}:?|\s{1,3}[\"'`(]"
    r"|\s{0,2}[:(]\s{0,2}[`\"'“])"
)
_Q = r"""\\{0,7}["'`]"""
_HEAD_CHARACTERS = 100
_LINE_HEAD = re.compile(r"[ \t]*(?:export |set |setx |\$env:|env |- |ENV |ARG )?[\w.-]*")
_ASSIGNED = r"""\\{0,7}["'`\]]?[ \t]{0,4}(?:=>|:=|={1,3}|:)[ \t]{0,4}"""
_OPTIONS = {
    "sshpass": r"-p[ \t]{0,4}",
    "redis-cli": r"-a[ \t]{0,4}",
    "docker|podman|helm|oc|crane|skopeo": r"login\b[^\r\n]{0,300}?[ \t]-p[ \t]{1,4}",
    "az login": r"-p[ \t]{1,4}",
    "ldapsearch|ldapmodify|ldapadd": r"-w[ \t]{0,4}",
    "zip|7z|unzip|sqlcmd|mosquitto_": r"-P[ \t]{0,4}",
}
"""Programs, and the option by which they take a password."""
_VALUE = r"""[^\s"'`\\,;(){}<>\[\]$&|]"""


def _rule(kind: str, hints: str, pattern: str, accepts: Callable[[re.Match[str]], bool] | None = None) -> Rule:
    """A rule whose matches begin with one of the hints, which are separated by bars."""
    compiled = re.compile(pattern, re.ASCII | re.IGNORECASE | re.MULTILINE)
    return Rule(kind, tuple(hints.split("|")), compiled, accepts or _is_no_placeholder)


def _unanchored(rule: Rule) -> Rule:
    return replace(rule, anchored=False)


@cache
def named_value_rules() -> tuple[Rule, ...]:
    """The rules for values behind a name, headers first."""
    return (*_headers(), *_addresses(), *_commands(), *_logins(), *_files(), *_pairs(), *_names(), _sentence())


def _headers() -> Iterator[Rule]:
    value = r"(?P<v>[A-Za-z0-9._~+/=:|-]{6,}+)"
    yield _rule("bearer", "bearer", r"\bbearer(?:[ \t]{1,4}|%20|\+)" + value, _is_credential)
    quoted = rf"(?:{_Q})?[ \t]{{0,4}}[:=,][ \t]{{0,4}}(?:{_Q})?"
    scheme = r"(?:[a-z-]{3,12}[ \t]{1,4})?"
    yield _rule("authorization", "authorization", "authorization" + quoted + scheme + value, _is_credential)
    yield _rule("authorization", "digest", r"\bdigest\b[^\r\n]{0,400}?\bresponse=\\{0,3}\"?(?P<v>[a-f0-9]{32,64})")
    header = (
        r"(?:\bx-(?:[a-z]{1,16}-){0,3}(?:key|token|secret)|\bapi-?key|(?:(?<=auth-)|(?<=private-)|(?<=job-)"
        r"|(?<=access-)|(?<=subscription-))(?:key|token))"
    )
    yield _rule("header", "x-|apikey|api-key|key|token", header + quoted + value, _is_header)
    crumbs = r"\bcookie2?(?:[:=]|\\{0,7}[\"'][ \t]{0,4}[:,][ \t]{0,4}\[?[ \t]{0,4}\\{0,7}[\"'])[ \t]{0,4}"
    yield _rule("cookie", "cookie", crumbs + r"(?P<v>[^\s=;\"'\\]{1,128}=[^\r\n\"'\\]{4,8192})", _is_cookie)
    yield _rule("cookie", "\ttrue\t|\tfalse\t", r"\t(?:TRUE|FALSE)\t\d{1,12}\t\S{1,256}\t(?P<v>\S{4,4096})$")


def _addresses() -> Iterator[Rule]:
    login = r"""://[^\s:@/"'<>]{0,256}:(?P<v>[^\s/"'<>\\]{1,256})@"""
    yield _rule("basic-auth", "://", login, _is_url_password)
    yield _rule("basic-auth", "://", r"://(?P<v>[A-Za-z0-9_.-]{16,256})@", _is_credential)
    yield _rule("basic-auth", "jdbc:oracle:", r"jdbc:oracle:\w{3,4}:[\w$#-]{1,64}/(?P<v>[^\s@/\"'\\]{3,128})@")
    yield _rule("connection", "password|pwd", r"\b(?:password|pwd)\s?=\s?(?P<v>[^;\"'\r\n\\<>&]{3,256})(?=;)")
    users = r"\buser(?:name)?=[^\s&;\"'\\]{1,128}(?:[ &;][^\s&;\"'\\]{1,128}){0,6}?[ &;]password="
    yield _rule("connection", "user", users + r"(?P<v>[^\s&;\"'\\]{3,256})")


def _commands() -> Iterator[Rule]:
    line = r"[^\r\n]{0,400}?[ \t]"
    value = r"\\{0,3}(?P<q>[\"']?)(?P<v>(?!-)[^\s\"'\\]{3,256})\\{0,3}(?P=q)"
    name = r"(?:pass(?:word|wd|phrase)?|storepass|keypass|token|secret|(?:api|access|auth|secret)-?key)"
    flag = rf"(?<!\S)--?(?:[a-z]{{1,16}}-){{0,3}}{name}(?:=|[ \t]{{1,4}})"
    yield _rule("flag", "-", flag + r"(?P<v>[^\s\"'<>{}\[\]$-][^\s\"'\\]{5,256})", _is_flag_value)
    yield _rule("flag", "-", flag + r"\\{0,3}(?P<q>[\"'])(?P<v>(?!-)[^\s\"'\\]{4,256})\\{0,3}(?P=q)")
    user = r"(?:-u|--user|--proxy-user)[ \t=]{0,4}\\{0,3}[\"']?[^\s:\"'\\]{1,128}:(?P<v>[^\s\"'\\]{1,256})"
    yield _rule("basic-auth", "curl|wget", rf"\b(?:curl|wget)\b{line}{user}", _is_url_password)
    asked = r"-p(?P<v>[^\s\"'\\-][^\s\"'\\]{2,256})"
    yield _rule("basic-auth", "mysql|mariadb", rf"\b(?:mysql|mariadb)(?:-?dump|-?admin)?\b{line}{asked}")
    for program, option in _OPTIONS.items():
        words = re.sub(r"\\b.*", "", program)
        yield _rule("flag", words, rf"\b(?:{program})\b{line}(?-i:{option}){value}", _is_flag_value)
    share = r"-U[ \t]{0,4}[^\s%]{1,64}%(?P<v>\S{3,128})"
    yield _rule("basic-auth", "smbclient|rpcclient", rf"\b(?:smbclient|rpcclient)\b{line}{share}")
    sets = rf"--(?:from-literal|set(?:-string)?)[= ][\w.,=-]{{0,128}}?(?:{_NAMED}|pass)[\w.-]{{0,32}}="
    yield _rule("flag", "--from-literal|--set", sets + r"(?P<v>[^\s,\"'\\]{3,256})")
    yield _rule("flag", "pass:", r"(?<=[ =])pass:(?P<v>[^\s\"'\\]{3,256})")
    quoted = r"[ \t]{1,4}\\{0,3}(?P<q>['\"])(?P<v>[^'\"\s\\]{3,256})\\{0,3}(?P=q)"
    yield _rule("sql", "identified", r"\bidentified(?: with \w{1,40})? by" + quoted)
    yield _rule("sql", "password", r"(?:(?<=with )|(?<=encrypted )|(?<=set ))password(?:[^\r\n']{0,80}=)?" + quoted)
    echoed = r"\becho[ \t]{1,4}(?:-n[ \t]{1,4})?\\{0,3}[\"']?(?:[\w.-]{1,64}:)?"
    piped = r"\\{0,3}[\"']?[ \t]{0,4}\|[^\r\n|]{0,200}(?:-stdin|\bchpasswd)\b"
    yield _rule("stdin", "echo", echoed + r"(?P<v>[^\s\"'|\\]{4,256})" + piped)


def _logins() -> Iterator[Rule]:
    word = rf"(?:{_Q})?[ \t]{{0,8}}[:=][ \t]{{0,8}}(?:{_Q})?"
    user = rf"\b(?:user(?:name)?|login|account){word}[^\s\"'\\]{{1,128}}(?:{_Q})?,?\s{{1,12}}(?:{_Q})?"
    value = r"(?P<v>[^\s\"'\\,(){}<>\[\]$]{3,256})(?![(\[])"
    yield _rule("login", "user|login|account", rf"{user}(?:password|passwd|pass|pwd|pw){word}{value}", _is_login)
    said = r"\b(?:login|credentials|creds|log in (?:as|with)|sign in (?:as|with))\b[: ]{1,3}(?:with |as )?"
    slash = said + r"[\w.@+-]{2,64} ?/ ?(?P<v>[^\s/,\"']{4,128})"
    yield _rule("login", "login|credentials|creds|log in|sign in", slash, _is_password)


def _files() -> Iterator[Rule]:
    login = r"\b(?:login|machine|user)\s{1,8}\S{1,256}\s{1,8}(?:login\s{1,8}\S{1,256}\s{1,8})?password\s{1,8}"
    yield _rule("netrc", "machine|login|user", login + r"(?P<v>[^\s\"'\\]{1,256})", _is_netrc)
    port = r":(?<=[\w*]:)(?:\d{4,5}|\*):[\w.*-]{1,63}:[\w.*-]{1,63}:(?P<v>[^\s:\"'\\]{3,256})(?![^\s\"'\\])"
    yield _rule("pgpass", ":", port)
    npm = r"_(?:authToken|auth|password)[ \t]{0,4}=[ \t]{0,4}\"?(?P<v>[\w=+/.-]{6,}+)"
    yield _rule("npm", "_auth|_password", npm)
    colon = r"\s{0,8}:\s{0,8}"
    encoded = rf"(?<=[\"'])auth{_Q}{colon}{_Q}(?P<v>[A-Za-z0-9+/]{{6,}}={{0,2}}){_Q}"
    yield _rule("docker-auth", "auth", encoded, _is_encoded_login)
    host = rf"(?:oauth|gitlab-token|bearer){_Q}{colon}\{{\s{{0,40}}{_Q}[^\"'\\]{{1,200}}{_Q}{colon}"
    yield _rule("composer", "oauth|gitlab-token|bearer", host + rf"{_Q}(?P<v>[^\"'\\]{{6,256}}){_Q}")
    default = r"[^\"\r\n]{0,32}\"\s{0,4}\{[^{}]{0,400}?\bdefault\s{0,8}=\s{0,8}\"(?P<v>[^\"\r\n]{3,256})\""
    yield _rule("terraform", "variable", rf"\bvariable\s{{1,4}}\"[^\"\r\n]{{0,64}}{_NAMED}{default}")


def _pairs() -> Iterator[Rule]:
    tag = rf"<[\w:.-]{{0,64}}(?:{_NAMED}|pass)\w{{0,8}}(?:\s[^<>]{{0,200}})?>\s{{0,8}}"
    yield _unanchored(_rule("xml", "</", tag + r"(?P<v>[^<>\s]{3,512})\s{0,8}</"))
    entry = r"<(?:entry|property|prop|setting|parameter|string)\s[^<>]{0,100}(?:key|name)=[\"'][^\"'<>]{0,100}"
    named = rf"{_NAMED}[^\"'<>]{{0,32}}[\"'][^<>]{{0,100}}>\s{{0,8}}(?P<v>[^<>\s]{{3,512}})"
    yield _rule("pair", "<entry|<prop|<setting|<parameter|<string", entry + named)
    sets = rf"(?:{_Q})?\s{{0,4}}[:=]\s{{0,4}}"
    name = rf"(?:name|key|variable){sets}(?:{_Q})?[\w.:/-]{{0,128}}?{_NAMED}[\w.-]{{0,32}}(?:{_Q})?"
    value = rf"(?:{_Q})?\w{{0,16}}value{sets}"
    open_value = r"(?P<v>(?(q)[^\"'`\\\r\n]|[^\s\"'`\\,;<>{}\[\]]){3,512})"
    pair = rf"{name}\s{{0,40}}[,;]?\s{{0,40}}{value}(?P<q>{_Q})?{open_value}"
    yield _rule("pair", "name|key|variable", pair, _is_pair)
    turned = rf"value{sets}{_Q}(?P<v>[^\"'`\\\r\n]{{3,512}}){_Q}\s{{0,40}},\s{{0,40}}(?:{_Q})?{name}"
    yield _rule("pair", "value", turned, _is_pair)


def _names() -> Iterator[Rule]:
    words = "pass|pwd|secret|key|token|_auth|credential|sid|session"
    name = rf"(?<!\[redacted:)(?P<name>{_KEY})"
    quoted = (
        r"""(?P<esc>\\{1,7})?[@bruf]{0,2}(?P<q>["'`])(?P<v>(?:(?!(?P=q))[^\\\n]|(?(esc)(?!)|\\[^\n]))++)\\{0,7}(?P=q)"""
    )
    yield _rule("keyword", words, f"{name}(?P<is>{_ASSIGNED}){quoted}", _is_quoted)
    yield _rule("keyword", words, rf"{name}(?P<is>{_ASSIGNED})(?P<v>{_VALUE}{{4,512}}+)(?![(\[])", _is_bare)
    spaced = r"(?P<is>[ \t]{0,4}[:=][ \t]{1,4})(?P<v>[^\s\"'`\\(){}<>\[\]|$][^\s\"'`\\,;]{3,512}+)"
    yield _rule("keyword", words, name + spaced, _is_spaced)
    line = r"(?P<is>=)(?P<v>[^\s\"'`,;(){}<>\[\]$&|\\][^\s\"'`]{2,512})$"
    yield _rule("keyword", words, name + line, _is_line)
    loud = rf"(?-i:(?<=[A-Z]_)KEY)[\"']?[=,][ ]?(?:{_Q})?(?P<v>[A-Za-z0-9+/=:_.!-]{{16,256}}+)"
    yield _rule("keyword", "key", loud, _is_credential)
    # a constant that a call defines: define('DB_PASSWORD', '…'), setenv("API_KEY", "…")
    defined = rf"{name}\w{{0,16}}{_Q}[ ]?,[ ]?{_Q}(?P<v>[^\"'`\\\s]{{3,256}}){_Q}[ ]?\)"
    yield _rule("keyword", words, defined, _is_password)


def _sentence() -> Rule:
    said = r"\s{0,3}[«„“\"'`(「『]{0,2}(?P<v>[!-~]{3,127}[A-Za-z0-9!@#$%^&*+=_~-])(?![(\[])"
    hints = [*_PROSE, *_ENGLISH]
    told = rf"(?<![\w-])(?:(?:{'|'.join(_PROSE)}){_IS}|(?:{'|'.join(_ENGLISH)})s?{_IS_ENGLISH}){said}"
    return Rule("keyword", tuple(hints), re.compile(told, re.IGNORECASE), _is_password)


def _is_no_placeholder(match: re.Match[str]) -> bool:
    return not is_placeholder(match["v"])


def _is_credential(match: re.Match[str]) -> bool:
    return (
        not is_placeholder(match["v"]) and not is_name(match["v"]) and (looks_made(match["v"]) or len(match["v"]) >= 24)
    )


def _is_password(match: re.Match[str]) -> bool:
    return not is_placeholder(match["v"]) and looks_made(match["v"])


def _is_flag_value(match: re.Match[str]) -> bool:
    return not is_placeholder(match["v"]) and (
        looks_made(match["v"]) or not re.fullmatch("[a-z-]{1,9}|[0-9]{1,5}", match["v"])
    )


def _is_cookie(match: re.Match[str]) -> bool:
    return any(looks_made(value) for value in re.findall(r"=([^;,\s]{4,})", match["v"]))


def _is_url_password(match: re.Match[str]) -> bool:
    return not re.match(
        r"\$[A-Za-z_{(]|[{*(]|%[sd]|%\w+%\Z|x{3,}\Z|\.\.\.|(?:password|pass|secret|token)\Z",
        match["v"],
        re.ASCII | re.IGNORECASE,
    )


def _is_netrc(match: re.Match[str]) -> bool:
    return not is_placeholder(match["v"]) and (match[0].lower().startswith("machine") or looks_made(match["v"]))


def _is_encoded_login(match: re.Match[str]) -> bool:
    try:
        said = b64decode(match["v"] + "=" * (-len(match["v"]) % 4), validate=True)
    except binascii.Error:
        return False
    return b":" in said and said.isascii()


def _is_pair(match: re.Match[str]) -> bool:
    value = match["v"].strip()
    return (
        not is_placeholder(value)
        and " " not in value
        and (looks_made(value) or not is_name(value) or match[0].count("_") > 0)
    )


def _is_login(match: re.Match[str]) -> bool:
    value = match["v"]
    return not is_placeholder(value) and not re.search("(?i)passw|token|secret|user|conf|env", value)


def _is_quoted(match: re.Match[str]) -> bool:
    value, name = match["v"], match["name"].lower()
    if is_placeholder(value) or any(char.isspace() for char in value):
        return False
    return len(value) >= 3 and (
        not name.endswith(("token", "sid", "auth", "id", "credentials")) or looks_made(value) or len(value) >= 20
    )


def _is_bare(match: re.Match[str]) -> bool:
    value, name = match["v"], match["name"]
    if is_placeholder(value) or re.fullmatch(r"[0-9.eE+-]+", value):
        return False
    in_environment = name.isupper() and "=" in match["is"] and " " not in match["is"]
    return in_environment or (looks_made(value) and len(value) >= (6 if name.lower().startswith("p") else 10))


def _is_spaced(match: re.Match[str]) -> bool:
    """A value after a blank may have signs that end it elsewhere, unless they make it a call, an index or a type."""
    return re.match(r"[\w.:]+[(\[<{]", match["v"]) is None and _is_bare(match)


def _is_line(match: re.Match[str]) -> bool:
    """A line of its own, as in .env files and properties: its value may be a word, but no other variable."""
    value = match["v"]
    if is_placeholder(value) or re.search(r"(?i)passw|token|secret|_key|[a-z_]\w*\.[a-z_]\w*\Z", value):
        return False
    head = match.string[match.string.rfind("\n", 0, match.start()) + 1 : match.start()]
    if len(head) > _HEAD_CHARACTERS or _LINE_HEAD.fullmatch(head) is None:
        return False
    return match["name"].isupper() or "." in head or looks_made(value) or not value.isidentifier()


def _is_header(match: re.Match[str]) -> bool:
    return not is_placeholder(match["v"]) and (match[0].lower().startswith("x-") or looks_made(match["v"]))

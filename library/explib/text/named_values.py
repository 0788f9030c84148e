"""Secrets that are known by what stands before them: a name, a header, a flag, a file's layout, a sentence."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Callable, Iterator
from functools import cache

from explib.text.rules import Rule, is_name, is_placeholder, looks_made

_KEY = (
    r"(?:pass(?:word|wd|phrase|code)?s?|pwd|secret"
    r"|(?:secret[_.-]?)?(?:api|access|private|account|auth|client|app|master|encryption|signing|session|deploy|license"
    r"|shared[_-]?access|shared|hmac|jwt|service|storage|webhook|consumer|admin|publish|write|server|data)[_. -]?key"
    r"|secret[_.-]?key(?:[_.-]?base)?|key-data|_auth|credentials?|token|session[_-]?id|connect\.sid|phpsessid|sid)"
)
_NAMED = (
    r"(?:password|passwd|passphrase|passcode|pwd|secret|credential|token|api[_.-]?key|access[_.-]?key|private[_.-]?key"
    r"|secret[_.-]?key|signing[_.-]?key|encryption[_.-]?key|master[_.-]?key|auth[_.-]?key|account[_.-]?key|_pass\b|_key\b)"
)
_PROSE = (
    r"(?:mot de passe|mdp|jeton|cl[ée] (?:api|secr[èe]te|d'acc[èe]s)|passwor[dt]|kennwort|passphrase|geheimnis|zugangscode"
    r"|(?:api|zugangs|geheim)[- ]?schl[üu]ssel|contrase[ñn]a|clave(?: (?:secreta|api|de acceso))?|senha|palavra[- ]passe"
    r"|chave (?:api|secreta|de acesso)|parola(?: d'ordine)?|chiave (?:api|segreta)|wachtwoord|sleutel|has[łl]o|heslo"
    r"|l[öo]senord|passord|adgangskode|kodeord|salasana|jelsz[óo]|parol[ăae]?|[şs]ifre|sandi|kata sandi|m[ậa]t kh[ẩa]u"
    r"|пароль|пароля|паролем|токен|ключ(?: api| доступа)?|секрет|κωδικός|סיסמה|كلمة (?:المرور|السر)|पासवर्ड|รหัสผ่าน"
    r"|パスワード|暗証番号|秘密鍵|トークン|キー|密码|密碼|口令|令牌|密钥|密鑰|비밀번호|암호|토큰)"
)
_ENGLISH = r"(?:passwords?|passcode|passphrase|secret|(?:api|access|secret|private) key|token|credentials?|pin code)"
_IS = (
    r"(?:\s{0,3}[:：=＝]|\s{1,3}(?:is|are|was|to|ist|lautet|war|est|es|è|é|e|är|er|on|jest|je|is|este|adalah|là|это|—|–|-)"
    r"\s{0,2}:?|\s{0,2}(?:は|が|是|为|為|：|는|은|이|가|を)|\s{1,3}[«„“\"'`(])"
)
_IS_ENGLISH = r"(?:\s{1,3}(?:is|are|was|to|being|of|becomes|=|—|–)\s{0,2}:?|\s{1,3}[\"'`(]|\s{0,2}[:(]\s{0,2}[`\"'“])"
_Q = r"""\\{0,7}["'`]"""
_ASSIGNED = r"""\\{0,7}["'`\]]?[ \t]{0,4}(?:=>|:=|={1,3}|:)[ \t]{0,4}"""
_VALUE = r"""[^\s"'`\\,;(){}<>\[\]$&|]"""


def _rule(kind: str, hints: str, pattern: str, accepts: Callable[[re.Match[str]], bool] | None = None) -> Rule:
    flags = re.ASCII | re.IGNORECASE | re.MULTILINE
    return Rule(kind, tuple(hints.split()), (re.compile(pattern, flags),), accepts or _is_no_placeholder)


@cache
def named_value_rules() -> tuple[Rule, ...]:
    """The rules for values behind a name, headers first."""
    return (*_headers(), *_addresses(), *_commands(), *_files(), *_names())


def _headers() -> Iterator[Rule]:
    value = r"(?P<v>[A-Za-z0-9._~+/=:|-]{6,}+)"
    yield _rule("bearer", "bearer", r"\bbearer(?:[ \t]{1,4}|%20|\+)" + value, _is_credential)
    quoted = rf"(?:{_Q})?[ \t]{{0,4}}[:=,][ \t]{{0,4}}(?:{_Q})?"
    yield _rule("authorization", "authorization", "authorization" + quoted + r"(?:[a-z-]{3,12}[ \t]{1,4})?" + value,
                _is_credential)  # fmt: skip
    yield _rule("authorization", "digest", r"\bdigest\b[^\r\n]{0,400}?\bresponse=\\{0,3}\"?(?P<v>[a-f0-9]{32,64})")
    header = r"\b(?:x-(?:[a-z]{1,16}-){0,3}(?:key|token|secret)|api-?key|private-token|job-token|(?:dd|ocp)-[a-z-]{0,40}key)"
    yield _rule("header", "x- apikey api-key -token -key", header + quoted + value)
    crumbs = r"\b(?:set-)?cookie2?(?:[:=]|\\{0,7}[\"'][ \t]{0,4}[:,][ \t]{0,4}\[?[ \t]{0,4}\\{0,7}[\"'])[ \t]{0,4}"
    yield _rule("cookie", "cookie", crumbs + r"(?P<v>[^\s=;\"'\\]{1,128}=[^\r\n\"'\\]{4,8192})", _is_cookie)
    jar = r"^\S{1,256}\t(?:TRUE|FALSE)\t\S{1,256}\t(?:TRUE|FALSE)\t\d{1,12}\t\S{1,256}\t(?P<v>\S{4,4096})$"
    yield _rule("cookie", "true false", jar)


def _addresses() -> Iterator[Rule]:
    yield _rule("basic-auth", "://", r"""://[^\s:@/"'<>]{0,256}:(?P<v>[^\s/"'<>\\]{1,256})@""", _is_url_password)
    yield _rule("basic-auth", "://", r"://(?P<v>[A-Za-z0-9_.-]{16,256})@", _is_credential)
    yield _rule("basic-auth", "thin:", r"jdbc:oracle:\w{3,4}:[\w$#-]{1,64}/(?P<v>[^\s@/\"'\\]{3,128})@")
    yield _rule("connection", "password pwd", r"(?:;|\A|[\"'=\s])\s?(?:password|pwd)\s?=\s?(?P<v>[^;\"'\r\n\\<>&]{3,256})(?=;)")
    yield _rule("connection", "user=", r"\buser(?:name)?=[^\s&;\"'\\]{1,128}(?:[ &;][^\s&;\"'\\]{1,128}){0,6}?[ &;]password=(?P<v>[^\s&;\"'\\]{3,256})")


def _commands() -> Iterator[Rule]:
    value = r"(?P<q>[\"']?)(?P<v>(?!-)[^\s\"'\\]{3,256})(?P=q)"
    flag = r"(?<!\S)--?(?:[a-z]{1,16}-){0,3}(?:pass(?:word|wd|phrase)?|storepass|keypass|token|secret|(?:api|access|auth|secret)-?key)(?:=|[ \t]{1,4})"
    yield _rule("flag", "-", flag + r"(?P<v>[^\s\"'<>{}\[\]$-][^\s\"'\\]{5,256})", _is_flag_value)
    yield _rule("flag", "-", flag + r"\\{0,3}(?P<q>[\"'])(?P<v>(?!-)[^\s\"'\\]{4,256})\\{0,3}(?P=q)")
    line = r"[^\r\n]{0,400}?[ \t]"
    yield _rule("basic-auth", "curl wget http", rf"\b(?:curl|wget|https?)\b{line}(?:-u|--user|-a|--auth|--proxy-user)[ \t=]{{0,4}}\\{{0,3}}[\"']?[^\s:\"'\\]{{1,128}}:(?P<v>[^\s\"'\\]{{1,256}})")
    yield _rule("basic-auth", "mysql maria", r"\b(?:mysql|mariadb)(?:-?dump|-?admin)?\b[^\r\n]{0,400}?[ \t]-p(?P<v>[^\s\"'\\-][^\s\"'\\]{2,256})")
    for program, name in (("sshpass", "-p"), ("redis-cli", "-a"), ("docker|podman|helm|az|oc|crane|skopeo|buildah", "-p"),
                          ("ldap(?:search|modify|add)", "-w"), ("zip|7z|unzip", "-P"), ("kinit|rclone|mosquitto_\\w+", "-P"),
                          ("sqlcmd|bcp|isql", "-P")):  # fmt: skip
        words = program.replace("(?:search|modify|add)", "").replace("\\w+", "").replace("|", " ")
        gap = "[ \\t]{0,4}" if name != "-p" or program == "sshpass" else "[ \\t]{1,4}"
        login = "[^\\r\\n]{0,200}?login\\b" if program.startswith(("docker", "az")) else ""
        yield _rule("flag", words, rf"\b(?:{program})\b{login}{line}{name}{gap}{value}", _is_flag_value)
    yield _rule("basic-auth", "smbclient net", rf"\b(?:smbclient|rpcclient|net|cifs)\b{line}-U[ \t]{{0,4}}[^\s%]{{1,64}}%(?P<v>\S{{3,128}})")
    yield _rule("flag", "--from-literal --set", r"--(?:from-literal|set-string|set)[= ](?:[\w.-]{0,128})(?:" + _NAMED + r")[\w.-]{0,32}=(?P<v>[^\s,\"'\\]{3,256})")
    yield _rule("flag", "pass:", r"(?<!\S)-?-pass(?:in|out)?[ =]pass:(?P<v>\S{3,256})")
    yield _rule("sql", "identified password", r"\b(?:identified(?: with \w{1,40})? by|(?:with|encrypted) password|set password[^\r\n']{0,80}=)[ \t]{1,4}\\{0,3}(?P<q>['\"])(?P<v>[^'\"\s\\]{3,256})\\{0,3}(?P=q)")
    yield _rule("stdin", "stdin", r"\becho[ \t]{1,4}(?:-n[ \t]{1,4})?\\{0,3}[\"']?(?P<v>[^\s\"'|\\]{4,256})\\{0,3}[\"']?[ \t]{0,4}\|[^\r\n|]{0,200}(?:--\w{0,16}-?stdin|-stdin)\b")
    yield _rule("stdin", "chpasswd", r"\becho[ \t]{1,4}\\{0,3}[\"']?[\w.-]{1,64}:(?P<v>[^\s\"'|\\]{3,256})\\{0,3}[\"']?[ \t]{0,4}\|[ \t]{0,4}(?:sudo )?chpasswd")


def _files() -> Iterator[Rule]:
    yield _rule("netrc", "password", r"\b(?:login|machine|user)\s{1,8}\S{1,256}\s{1,8}(?:login\s{1,8}\S{1,256}\s{1,8})?password\s{1,8}(?P<v>[^\s\"'\\]{1,256})", _is_netrc)
    yield _rule("pgpass", ":", r"(?<![^\s\"'])[\w.*-]{1,253}:(?:\d{4,5}|\*):[\w.*-]{1,63}:[\w.*-]{1,63}:(?P<v>[^\s:\"'\\]{3,256})(?![^\s\"'\\])")
    yield _rule("npm", "_auth", r"_(?:authToken|auth|password)[ \t]{0,4}=[ \t]{0,4}\"?(?P<v>[\w=+/.-]{6,}+)")
    yield _rule("docker-auth", "auth", rf"{_Q}auth{_Q}\s{{0,8}}:\s{{0,8}}{_Q}(?P<v>[A-Za-z0-9+/]{{6,}}={{0,2}}){_Q}", _is_encoded_login)
    yield _rule("composer", "oauth bearer gitlab-token", rf"{_Q}(?:\w{{2,16}}-oauth|gitlab-token|bearer){_Q}\s{{0,8}}:\s{{0,8}}\{{\s{{0,40}}{_Q}[^\"'\\]{{1,200}}{_Q}\s{{0,8}}:\s{{0,8}}{_Q}(?P<v>[^\"'\\]{{6,256}}){_Q}")
    yield _rule("xml", "</", rf"<[\w:.-]{{0,64}}(?:{_NAMED[3:-1]}|pass)[\w]{{0,8}}(?:\s[^<>]{{0,200}})?>\s{{0,8}}(?P<v>[^<>\s]{{3,512}})\s{{0,8}}</")
    pair = rf"(?:name|key|parameterkey|variable|k|id)(?:{_Q})?\s{{0,4}}[:=]\s{{0,4}}(?:{_Q})?[\w.:/-]{{0,128}}{_NAMED}[\w.-]{{0,32}}(?:{_Q})?"
    yield _rule("pair", "value", rf"\b{pair}\s{{0,40}}[,;]?\s{{0,40}}(?:{_Q})?(?:\w{{0,16}}value|v)(?:{_Q})?\s{{0,4}}[:=]\s{{0,4}}(?P<q>{_Q})?(?P<v>(?(q)[^\"'`\\\r\n]|[^\s\"'`\\,;<>{{}}\[\]]){{3,512}})", _is_pair)
    yield _rule("pair", "value", rf"(?:{_Q})?\b\w{{0,16}}value(?:{_Q})?\s{{0,4}}[:=]\s{{0,4}}{_Q}(?P<v>[^\"'`\\\r\n]{{3,512}}){_Q}\s{{0,40}},\s{{0,40}}(?:{_Q})?{pair}", _is_pair)
    yield _rule("pair", "<entry <add <property <secret <prop", rf"<(?:entry|property|prop|setting|parameter|string)\s[^<>]{{0,100}}(?:key|name)=[\"'][^\"'<>]{{0,100}}{_NAMED}[^\"'<>]{{0,32}}[\"'][^<>]{{0,100}}>\s{{0,8}}(?P<v>[^<>\s]{{3,512}})")
    yield _rule("terraform", "variable", rf"\bvariable\s{{1,4}}\"[^\"\r\n]{{0,64}}{_NAMED}[^\"\r\n]{{0,32}}\"\s{{0,4}}\{{[^{{}}]{{0,400}}?\bdefault\s{{0,8}}=\s{{0,8}}\"(?P<v>[^\"\r\n]{{3,256}})\"")
    yield _rule("login", "user login", rf"\b(?:user(?:name)?|login|account)(?:{_Q})?[ \t]{{0,8}}[:=][ \t]{{0,8}}\S{{1,128}}\s{{1,12}}(?:{_Q})?(?:password|passwd|pass|pwd|pw)(?:{_Q})?[ \t]{{0,8}}[:=][ \t]{{0,8}}(?:{_Q})?(?P<v>[^\s\"'\\,(){{}}<>\[\]$]{{3,256}})(?![(\[])", _is_login)
    yield _rule("login", "login credentials", r"\b(?:login|credentials|creds|log in (?:as|with)|sign in (?:as|with))\b[: ]{1,3}(?:with |as )?[\w.@+-]{2,64}[ ]?/[ ]?(?P<v>[^\s/,\"']{4,128})", _is_password)


def _names() -> Iterator[Rule]:
    names = "pass pwd secret key token auth credential sid session"
    name = rf"(?<!\[redacted:)(?P<name>{_KEY})(?P<is>{_ASSIGNED})"
    yield _rule("keyword", names, name + r"""(?P<esc>\\{1,7})?[@bruf]{0,2}(?P<q>["'`])"""
                r"""(?P<v>(?:(?!(?P=q))[^\\\n]|(?(esc)(?!)|\\[^\n]))++)\\{0,7}(?P=q)""", _is_quoted)  # fmt: skip
    yield _rule("keyword", names, name + rf"(?P<v>{_VALUE}{{4,512}}+)(?![(\[])", _is_bare)
    spaced = rf"(?<!\[redacted:)(?P<name>{_KEY})(?P<is>[ \t]{{0,4}}[:=][ \t]{{1,4}})"
    yield _rule("keyword", names, spaced + r"(?P<v>[^\s\"'`\\(){}<>\[\]|$][^\s\"'`\\,;]{3,512}+)", _is_spaced)
    line = r"^[ \t]{0,16}(?:export |set |setx |\$env:|env |- |ENV |ARG )?(?P<name>[\w.-]{0,64}" + _KEY
    yield _rule("keyword", names, line + r")=(?P<v>[^\s\"'`,;(){}<>\[\]$&|\\][^\s\"'`]{2,512})$", _is_line)
    yield _rule("keyword", "key", r"(?-i:\b(?P<name>[A-Z][A-Z0-9_]{1,60}_KEY)=)(?:" + _Q + r")?(?P<v>[A-Za-z0-9+/=_.-]{16,256}+)", _is_credential)
    said = r"\s{0,3}[«„“\"'`(「『]{0,2}(?P<v>[!-~]{3,127}[A-Za-z0-9!@#$%^&*+=_~-])(?![(\[])"
    told = rf"(?<![\w-])(?:{_PROSE}{_IS}|{_ENGLISH}{_IS_ENGLISH}){said}"
    yield Rule("keyword", (), (re.compile(told, re.IGNORECASE),), _is_told)


def _is_no_placeholder(match: re.Match[str]) -> bool:
    return not is_placeholder(match["v"])


def _is_credential(match: re.Match[str]) -> bool:
    return not is_placeholder(match["v"]) and not is_name(match["v"]) and (looks_made(match["v"]) or len(match["v"]) >= 24)


def _is_password(match: re.Match[str]) -> bool:
    return not is_placeholder(match["v"]) and looks_made(match["v"])


def _is_flag_value(match: re.Match[str]) -> bool:
    return not is_placeholder(match["v"]) and (looks_made(match["v"]) or not re.fullmatch("[a-z-]{1,9}|[0-9]{1,5}", match["v"]))


def _is_cookie(match: re.Match[str]) -> bool:
    return any(looks_made(value) for value in re.findall(r"=([^;,\s]{4,})", match["v"]))


def _is_url_password(match: re.Match[str]) -> bool:
    return not re.match(r"\$[A-Za-z_{(]|[{*(]|%[sd]|%\w+%\Z|x{3,}\Z|\.\.\.|(?:password|pass|secret|token)\Z", match["v"], re.ASCII | re.I)


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
    return not is_placeholder(value) and " " not in value and (looks_made(value) or not is_name(value) or match[0].count("_") > 0)


def _is_login(match: re.Match[str]) -> bool:
    value = match["v"]
    return not is_placeholder(value) and not re.search("(?i)passw|token|secret|user|conf|env", value)


def _is_quoted(match: re.Match[str]) -> bool:
    value, name = match["v"], match["name"].lower()
    if is_placeholder(value) or any(char.isspace() for char in value):
        return False
    return len(value) >= 3 and (not name.endswith(("token", "sid", "auth", "id", "credentials")) or looks_made(value) or len(value) >= 20)


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
    value = match["v"]
    if is_placeholder(value) or re.search(r"(?i)passw|token|secret|_key|[a-z_]\w*\.[a-z_]\w*\Z", value):
        return False
    return match["name"].isupper() or "." in match["name"] or looks_made(value) or not value.isidentifier()


def _is_told(match: re.Match[str]) -> bool:
    value = match["v"]
    return not is_placeholder(value) and looks_made(value)

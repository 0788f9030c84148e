"""Made-up credentials in the forms of real ones, the places they turn up in, and what only looks like one."""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Callable, Iterator

ALNUM = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
LOWER = string.ascii_lowercase + string.digits
UPPER = string.ascii_uppercase + string.digits
URL = ALNUM + "-_"
DRAW = random.Random(12)


def drawn(length: int, alphabet: str = ALNUM) -> str:
    """Random characters."""
    return "".join(DRAW.choice(alphabet) for _ in range(length))


def uuid() -> str:
    """A random UUID."""
    return "-".join(drawn(length, HEX) for length in (8, 4, 4, 4, 12))


PREFIXED: dict[str, tuple[str, int, str]] = {
    "anthropic": ("sk-ant-api03-", 80, URL),
    "openai": ("sk-proj-", 48, ALNUM),
    "openrouter": ("sk-or-v1-", 64, HEX),
    "deepseek": ("sk-", 32, HEX),
    "google api": ("AIza", 35, ALNUM),
    "google oauth": ("GOCSPX-", 28, ALNUM),
    "google token": ("ya29.", 120, URL),
    "huggingface": ("hf_", 34, ALNUM),
    "replicate": ("r8_", 37, ALNUM),
    "groq": ("gsk_", 52, ALNUM),
    "perplexity": ("pplx-", 48, ALNUM),
    "xai": ("xai-", 80, ALNUM),
    "nvidia": ("nvapi-", 64, ALNUM),
    "fireworks": ("fw_", 24, ALNUM),
    "langsmith": ("lsv2_pt_", 32, HEX),
    "wandb": ("wandb_v1_", 77, ALNUM),
    "tavily": ("tvly-", 32, ALNUM),
    "github": ("ghp_", 36, ALNUM),
    "github fine": ("github_pat_11", 80, ALNUM),
    "gitlab": ("glpat-", 20, ALNUM),
    "gitlab deploy": ("gldt-", 20, ALNUM),
    "gitlab runner": ("glrt-", 20, ALNUM),
    "bitbucket": ("ATBB", 32, ALNUM),
    "atlassian": ("ATATT3xFfGF0", 160, ALNUM),
    "aws id": ("AKIA", 16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
    "aws session id": ("ASIA", 16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
    "aws bedrock": ("ABSKQmVkcm9ja0FQSUtleS", 110, ALNUM),
    "digitalocean": ("dop_v1_", 64, HEX),
    "alibaba": ("LTAI5t", 18, ALNUM),
    "tencent": ("AKID", 32, ALNUM),
    "yandex": ("AQVN", 36, ALNUM),
    "ibm": ("ApiKey-", 36, UPPER),
    "scaleway": ("SCW", 17, UPPER),
    "heroku": ("HRKU-AA", 58, ALNUM),
    "fly": ("fm2_lJPE", 100, ALNUM),
    "cloudflare origin": ("v1.0-", 171, HEX),
    "netlify": ("nfp_", 36, ALNUM),
    "render": ("rnd_", 32, ALNUM),
    "vercel": ("vcp_", 56, ALNUM),
    "railway": ("railway_", 40, ALNUM),
    "pulumi": ("pul-", 40, HEX),
    "vault": ("hvs.", 90, ALNUM),
    "vault batch": ("hvb.", 140, ALNUM),
    "doppler": ("dp.pt.", 43, ALNUM),
    "1password": ("ops_eyJ", 250, ALNUM),
    "age": ("AGE-SECRET-KEY-1", 58, "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"),
    "npm": ("npm_", 36, ALNUM),
    "pypi": ("pypi-AgEIcHlwaS5vcmc", 150, URL),
    "rubygems": ("rubygems_", 48, HEX),
    "docker": ("dckr_pat_", 27, ALNUM),
    "docker org": ("dckr_oat_", 32, ALNUM),
    "cargo": ("cio", 32, ALNUM),
    "clojars": ("CLOJARS_", 60, HEX),
    "jfrog": ("AKCp8", 68, ALNUM),
    "nuget": ("oy2", 43, LOWER),
    "slack bot": ("xoxb-123456789012-123456789012-", 24, ALNUM),
    "slack user": ("xoxp-123456789012-123456789012-123456789012-", 32, HEX),
    "slack app": ("xapp-1-A0123456789-1234567890123-", 64, HEX),
    "mailgun": ("key-", 32, HEX),
    "brevo": ("xkeysib-", 64, HEX),
    "resend": ("re_", 32, ALNUM),
    "twilio": ("SK", 32, HEX),
    "stripe": ("sk_live_", 48, ALNUM),
    "stripe restricted": ("rk_live_", 48, ALNUM),
    "stripe test": ("sk_test_", 48, ALNUM),
    "stripe webhook": ("whsec_", 32, ALNUM),
    "square": ("EAAA", 60, ALNUM),
    "shopify": ("shpat_", 32, HEX),
    "shopify secret": ("shpss_", 32, HEX),
    "facebook": ("EAACEdEose0cBA", 100, ALNUM),
    "linear": ("lin_api_", 40, ALNUM),
    "notion": ("ntn_", 46, ALNUM),
    "notion old": ("secret_", 43, ALNUM),
    "figma": ("figd_", 40, ALNUM),
    "dropbox": ("sl.u.", 130, ALNUM),
    "databricks": ("dapi", 32, HEX),
    "grafana cloud": ("glc_eyJ", 100, ALNUM),
    "new relic": ("NRAK-", 27, UPPER),
    "sentry": ("sntryu_", 64, HEX),
    "sentry org": ("sntrys_eyJ", 140, ALNUM),
    "pagerduty": ("u+", 18, ALNUM),
    "planetscale": ("pscale_tkn_", 43, ALNUM),
    "planetscale password": ("pscale_pw_", 43, ALNUM),
    "supabase": ("sbp_", 40, HEX),
    "supabase secret": ("sb_secret_", 31, ALNUM),
    "neon": ("napi_", 64, LOWER),
    "pinecone": ("pcsk_", 70, ALNUM),
    "prefect": ("pnu_", 36, ALNUM),
    "readme": ("rdme_", 70, LOWER),
    "duffel": ("duffel_live_", 43, ALNUM),
    "lob": ("live_", 35, HEX),
    "easypost": ("EZAK", 54, ALNUM),
    "typeform": ("tfp_", 59, ALNUM),
    "contentful": ("CFPAT-", 43, ALNUM),
    "sourcegraph": ("sgp_", 40, HEX),
    "tailscale": ("tskey-auth-", 30, ALNUM),
    "infracost": ("ico-", 32, ALNUM),
    "frame.io": ("fio-u-", 64, ALNUM),
    "snyk": ("snyk_uat.", 40, ALNUM),
}


def tokens() -> Iterator[tuple[str, str]]:
    """Provider and a token of its form that is recognised by itself."""
    for provider, (prefix, length, alphabet) in PREFIXED.items():
        yield provider, prefix + drawn(length, alphabet)
    yield "terraform cloud", drawn(14) + ".atlasv1." + drawn(67)
    yield "telegram", drawn(10, "123456789") + ":AA" + drawn(33)
    yield "discord", "M" + drawn(23) + "." + drawn(6) + "." + drawn(27)
    yield "sendgrid", "SG." + drawn(22) + "." + drawn(43)
    yield "mailchimp", drawn(32, HEX) + "-us12"
    yield "airtable", "pat" + drawn(14) + "." + drawn(64, HEX)
    yield "grafana service", "glsa_" + drawn(32) + "_" + drawn(8, HEX)
    yield "dynatrace", "dt0c01." + drawn(24, UPPER) + "." + drawn(64, UPPER)
    yield "postman", "PMAK-" + drawn(24, HEX) + "-" + drawn(34, HEX)
    yield "hubspot", "pat-na1-" + uuid()
    yield "launchdarkly", "sdk-" + uuid()
    yield "jwt", "eyJhbGciOiJIUzI1NiJ9.eyJ" + drawn(40) + "." + drawn(43)
    yield (
        "slack webhook",
        "https://hooks.slack.com/services/T" + drawn(8, UPPER) + "/B" + drawn(8, UPPER) + "/" + drawn(24),
    )
    yield "discord webhook", "https://discord.com/api/webhooks/" + drawn(18, "123456789") + "/" + drawn(68)
    yield (
        "teams webhook",
        (
            "https://acme.webhook.office.com/webhookb2/"
            + uuid()
            + "@"
            + uuid()
            + "/IncomingWebhook/"
            + drawn(32, HEX)
            + "/"
            + uuid()
        ),
    )
    yield "azure storage", "AccountKey=" + drawn(86) + "=="
    yield "azure sas", "sv=2023-01-03&ss=b&srt=sco&sp=rl&sig=" + drawn(43) + "%3D"
    yield "azure ad", drawn(3) + "8Q~" + drawn(34)
    yield "artifactory", "cmVmdGtuO" + drawn(55)


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


PLACES: dict[str, Callable[[str], str]] = {
    "plain": lambda key: f"the key: {key} .",
    "after a written-out line end": lambda key: json.dumps({"stdout": f"the key:\n{key}\nbye"}),
    "after a written-out tab": lambda key: json.dumps({"stdout": f"key\t{key}"}),
    "JSON in JSON": lambda key: json.dumps({"out": json.dumps({"stdout": f"key:\n{key}\n"})}),
    "JSON in JSON in JSON": lambda key: json.dumps({"a": json.dumps({"b": json.dumps({"c": f"x\n{key}\n"})})}),
    "colour": lambda key: f"\x1b[32m{key}\x1b[0m",
    "colour inside": lambda key: f"{key[:9]}\x1b[1;31m{key[9:]}\x1b[0m",
    "colour in JSON": lambda key: json.dumps(f"\x1b[32m{key}\x1b[0m"),
    "at a sentence's end": lambda key: f"Use {key}.",
    "after a dash": lambda key: f"agent-{key}",
    "glued to a flag": lambda key: f"tool -k{key}",
    "wrapped": lambda key: f"{key[:30]}\n{key[30:]}",
    "wrapped in JSON": lambda key: json.dumps({"out": f"{key[:30]}\n{key[30:]}"}),
    "wrapped and indented": lambda key: f"> {key[:25]}\n>   {key[25:]}",
    "in a table": lambda key: f"│ key │ {key} │",
    "in two strings": lambda key: f'key = "{key[:20]}" + "{key[20:]}"',
    "URL": lambda key: f"https://api.example.com/v1?x=1&k={key}&y=2",
    "Markdown": lambda key: f"**`{key}`**",
    "diff": lambda key: f"+{key}\n-{key}",
    "HTML": lambda key: f"<b>{key}</b>&quot;{key}&quot;",
    "zero-width space": lambda key: f"{key[:8]}\u200b{key[8:]}",
    "call": lambda key: f"Client('{key}').run()",
}


def placed() -> Iterator[tuple[str, str, str]]:
    """Place and text, with the token that it has."""
    for _, token in tokens():
        for place, put in PLACES.items():
            yield place, put(token), token


def forms() -> Iterator[tuple[str, str, str]]:
    """A configuration form, a text, and the secret in it."""
    word = "Tr0ub" + drawn(3) + "4dor" + drawn(2)
    long = drawn(40)
    pin = "hunter" + drawn(1, "23456789")
    login = _b64(f"alice:{word}")
    yield ".netrc", f"machine api.example.com login alice password {pin}", pin
    yield ".netrc lines", f"machine api.example.com\n  login alice\n  password {word}\n", word
    yield ".npmrc auth", f"//npm.example.com/:_auth={login}", login
    yield ".npmrc token", f"//npm.example.com/:_authToken={uuid()[:30]}x1", "x1"
    yield ".pypirc", f"[pypi]\nusername = alice\npassword = {word}\n", word
    yield ".pypirc words", "[pypi]\nusername = alice\npassword = correcthorse\n", "correcthorse"
    yield ".git-credentials", f"https://alice:{word}@git.example.com", word
    yield "git remote token", f"https://{long}@git.example.com/a/b.git", long
    yield "docker config", json.dumps({"auths": {"ghcr.io": {"auth": login}}}, indent=1), login
    yield "docker config in JSON", json.dumps({"out": json.dumps({"auths": {"ghcr.io": {"auth": login}}})}), login
    yield "aws credentials", f"[default]\naws_access_key_id = x\naws_secret_access_key = {long}\n", long
    yield "aws session", f"aws_session_token={long}{long}", long
    yield "kubeconfig", f"users:\n- name: a\n  user:\n    client-key-data: {_b64(long)}\n", _b64(long)
    yield "kubeconfig token", f"  user:\n    token: {long}\n", long
    yield ".env", f"DB_PASSWORD={word}\nDEBUG=1\n", word
    yield ".env words", "MAIL_PASSWORD=swordfish\n", "swordfish"
    yield ".env quoted", f'SECRET_KEY="{word}!x"\n', word
    yield "export", f"export API_TOKEN='{long}'", long
    yield ".pgpass", f"db.example.com:5432:orders:alice:{word}", word
    yield "terraform", f'resource "x" "y" {{\n  password = "{word}"\n}}', word
    yield "terraform variable", f'variable "db_password" {{\n  type = string\n  default = "{word}"\n}}', word
    yield "tfvars", f'db_password = "{word}"', word
    yield (
        "Kubernetes secret",
        f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: x\ndata:\n  config: {_b64(word)}\n  b: {login}\n",
        _b64(word),
    )
    yield "Kubernetes stringData", f"kind: Secret\nstringData:\n  url: {word}\n", word
    yield "Kubernetes secret JSON", json.dumps({"kind": "Secret", "data": {"tls": _b64(long)}}), _b64(long)
    yield "helm values", f"postgresql:\n  auth:\n    postgresPassword: {word}\n", word
    yield "helm set", f"helm install x y --set auth.password={word},a=b", word
    yield "kubectl literal", f"kubectl create secret generic x --from-literal=password={pin}", pin
    yield "maven", f"<server><id>x</id><username>a</username><password>{word}</password></server>", word
    yield "maven passphrase", f"<passphrase>{pin}</passphrase>", pin
    yield "gradle", f"signing.password={word}\nnexusPassword={word}\n", word
    yield "nuget", f'<add key="ClearTextPassword" value="{word}" />', word
    yield "nuget key", f'<add key="ApiKey" value="{long}" />', long
    yield "web.config", f'connectionString="Server=db;Database=x;User Id=sa;Password={word};"', word
    yield "pip.conf", f"[global]\nindex-url = https://alice:{word}@pypi.example.com/simple", word
    yield "composer", json.dumps({"http-basic": {"a.example": {"username": "u", "password": word}}}), word
    yield "composer oauth", json.dumps({"github-oauth": {"github.com": long}}), long
    yield "name/value", json.dumps({"name": "DB_PASSWORD", "value": word}), word
    yield "name/value in JSON", json.dumps({"o": json.dumps([{"name": "API_TOKEN", "value": long}])}), long
    yield "value/name", json.dumps({"value": word, "name": "DB_PASSWORD"}), word
    yield "name/value YAML", f'- name: DB_PASSWORD\n  value: "{word}"\n', word
    yield "key/value", json.dumps({"Key": "api_secret", "Value": long}), long
    yield "ParameterKey", json.dumps({"ParameterKey": "DbPassword", "ParameterValue": word}), word
    yield "cookie", f"Cookie: theme=dark; sid={long}", long
    yield "set-cookie", f"Set-Cookie: session={long}; Path=/; HttpOnly", long
    yield "set-cookie JSON", json.dumps({"headers": {"set-cookie": [f"session={long}; Path=/"]}}), long
    yield "cookie jar", f".example.com\tTRUE\t/\tTRUE\t1790000000\tsession\t{long}", long
    yield "authorization basic", f"Authorization: Basic {login}", login
    yield "authorization JSON", json.dumps({"Authorization": f"Bearer {long}"}), long
    yield "authorization tuple", f"('authorization', 'Bearer {long}')", long
    yield "proxy-authorization", f"Proxy-Authorization: Basic {login}", login
    yield "api key header", f"curl -H 'X-Api-Key: {long}' https://x", long
    yield "apikey header", f"apikey: {long}", long
    yield "private-token", f"PRIVATE-TOKEN: {long}", long
    yield "postgres URL", f"postgresql://app:{word}@db:5432/x", word
    yield "mongodb URL", f"mongodb+srv://app:{word}@cluster0.example.net/x", word
    yield "redis URL", f"redis://:{word}@cache:6379/0", word
    yield "amqp URL", f"amqps://u:{word}@mq/vhost", word
    yield "jdbc", f"jdbc:mysql://db/x?user=app&password={word}&ssl=1", word
    yield "jdbc oracle", f"jdbc:oracle:thin:scott/{word}@//db:1521/x", word
    yield "libpq", f"host=db user=app password={pin} dbname=x", pin
    yield "azure connection", f"Endpoint=sb://x.example/;SharedAccessKeyName=a;SharedAccessKey={drawn(43)}x=", "x="
    yield "curl -u", f"curl -u alice:{word} https://x", word
    yield "mysql -p", f"mysql -u root -p{word} db", word
    yield "sshpass", f"sshpass -p {word} ssh a@b", word
    yield "sshpass quoted", f"sshpass -p '{word}' ssh a@b", word
    yield "redis-cli", f"redis-cli -h x -a {word} ping", word
    yield "docker login", f"docker login -u alice -p {word} ghcr.io", word
    yield "stdin", f"echo {word} | docker login --password-stdin", word
    yield "flag", f"tool --api-key {long} --password={word}", word
    yield "PGPASSWORD", f"PGPASSWORD={pin} psql -h db", pin
    yield "SQL", f"CREATE USER a IDENTIFIED BY '{word}';", word
    yield "SQL with", f"ALTER ROLE a WITH PASSWORD '{word}';", word
    yield "smbclient", f"smbclient //h/s -U alice%{word}", word
    yield "openssl", f"openssl rsa -passin pass:{word} -in k", word
    yield "python", f'client = Client(api_key="{long}")', long
    yield "python dict", f"{{'password': '{word}'}}", word
    yield "JS", f"const clientSecret = `{word}`;", word
    yield "PHP", f"define('DB_PASSWORD', '{word}');", word
    yield "YAML", f"password: {word}\n", word
    yield "YAML symbols", f"password: Pa$${drawn(4)}&w0rd!\n", "w0rd"
    yield "INI", f"[mail]\nsmtp_pass = {word}\n", word
    yield "Rails", f"secret_key_base: {drawn(128, HEX)}", "secret_key_base: " + drawn(4)
    yield "Laravel", f"APP_KEY=base64:{_b64(long)}", _b64(long)
    yield "Django", f"SECRET_KEY = 'django-insecure-{long}'", long
    yield "WireGuard", f"PrivateKey = {drawn(43)}=", "PrivateKey = " + drawn(4)
    yield "wp-config", f"define( 'AUTH_KEY', '{word}{long}' );", long
    yield "spring", f"spring.datasource.password={word}", word
    yield "log", f"login ok user=alice password={word} ip=10.0.0.1", word
    yield "English", f"The password is {pin}.", pin
    yield "English quoted", f"use the password '{word}' please", word
    yield "login slash", f"credentials: admin / {word}", word
    yield "French", f"Le mot de passe est {word}.", word
    yield "French colon", f"mot de passe : {word}", word
    yield "German", f"Das Passwort lautet {word}", word
    yield "German colon", f"Kennwort: {word}", word
    yield "Spanish", f"contraseña: {word}", word
    yield "Spanish is", f"la contraseña es {word}", word
    yield "Portuguese", f"A senha é {word}", word
    yield "Italian", f"la password è {word}", word
    yield "Dutch", f"wachtwoord: {word}", word
    yield "Polish", f"hasło: {word}", word
    yield "Russian", f"пароль: {word}", word
    yield "Japanese", f"パスワードは{word}です", word
    yield "Chinese", f"密码是{word}", word
    yield "Korean", f"비밀번호는 {word} 입니다", word
    yield "Turkish", f"şifre: {word}", word
    yield "Swedish", f"lösenord: {word}", word


def look_alikes() -> Iterator[tuple[str, str]]:
    """Kind and a text without a secret."""
    for _ in range(3):
        sha1, sha256 = drawn(40, HEX), drawn(64, HEX)
        mixed = drawn(86)
        yield "git", f"commit {sha1}\nAuthor: A <a@b.example>"
        yield "git", f"Merge {sha1[:7]} into {drawn(7, HEX)}"
        yield "git", f"index {sha1[:7]}..{drawn(7, HEX)} 100644"
        yield "digest", f"image@sha256:{sha256}"
        yield "digest", f"sha256:{sha256}  file.tar.gz"
        yield "digest", f"{drawn(32, HEX)}  file.iso"
        yield "digest", json.dumps({"digest": sha256, "checksum": sha1, "md5": drawn(32, HEX)})
        yield "digest", f"task-{sha1} and disk-{sha256}"
        yield "digest", f"key: Linux-pip-{sha256}"
        yield "digest", f"cache-key={sha256}"
        yield "etag", f'ETag: "{drawn(32, HEX)}"'
        yield "etag", f'etag: W/"{drawn(27)}"'
        yield "uuid", f"id {uuid()}"
        yield "uuid", json.dumps({"session": "x", "request_id": uuid(), "trace_id": drawn(32, HEX)})
        yield "integrity", f'"integrity": "sha512-{mixed}=="'
        yield "integrity", f"  integrity sha512-{mixed}=="
        yield "integrity", f"--hash=sha256:{sha256}"
        yield "integrity", f"h1:{drawn(43)}="
        yield "image", f"data:image/png;base64,iVBORw0KGgo{drawn(200)}"
        yield "placeholder", 'api_key = "<your-api-key>"'
        yield "placeholder", "export OPENAI_API_KEY=sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        yield "placeholder", "TOKEN=${TOKEN}"
        yield "placeholder", 'password: "changeme"'
        yield "placeholder", "password: changeme"
        yield "placeholder", "DB_PASSWORD=your_password_here"
        yield "placeholder", "aws_access_key_id = AKIAIOSFODNN7EXAMPLE"
        yield "placeholder", "GITHUB_TOKEN=ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        yield "placeholder", 'token = os.environ["API_TOKEN"]'
        yield "placeholder", "password={{ db_password }}"
        yield "placeholder", "password: ********"
        yield "placeholder", "Authorization: Bearer <token>"
        yield "placeholder", "Authorization: Bearer $TOKEN"
        yield "placeholder", "postgresql://user:password@localhost/db"
        yield "placeholder", "https://user:${PASSWORD}@host/x"
        yield "placeholder", "password = getpass.getpass()"
        yield "placeholder", '"secret": "REPLACE_ME"'
        yield "placeholder", "api_key=YOUR_API_KEY"
        yield "placeholder", "--token $GITHUB_TOKEN --password <pw>"
        yield "code", "def login(user: str, password: SecretStr | None = None) -> Token:"
        yield "code", "token: CancellationToken = CancellationToken()"
        yield "code", "    password=settings.db_password,\n    token=token,"
        yield "code", "const token = await getAccessToken();"
        yield "code", "if password == user_password: pass"
        yield "code", "self.password = password\nsecret_key = config.secret_key"
        yield "code", "key = lambda item: item.created_at2"
        yield "code", "tokens = tokenizer.encode(text); max_tokens=4096"
        yield "code", 'token_type = "access_token"; grant_type="client_credentials"'
        yield "code", "password_field = driver.find_element_by_id2('password')"
        yield "code", "sort_key=partition_key2, primary_key=True"
        yield "path", "/home/user1/project2/src/module_v2/file_2024_01_02.py"
        yield "path", r"C:\new\tools2\token\readme2.txt"
        yield "path", "secret: /run/secrets/db_password1"
        yield "path", "private_key: ~/.ssh/id_ed25519"
        yield "version", "foo-1.2.3rc4+build.20240102 bar==2.0.0a1"
        yield "version", "docker.io/library/postgres:16.2-alpine3.19"
        yield "identifier", "com.example.service.v2.ApiKeyAuthenticationFilterFactoryBean2"
        yield "identifier", "test_live_update_key_rotation_for_customers_v2_and_v3_of_the_api"
        yield "identifier", f"pod/api-{drawn(10, LOWER)}-{drawn(5, LOWER)} arn:aws:iam::123456789012:role/AdminRole2"
        yield "identifier", f"https://www.youtube.com/watch?v={drawn(11)} https://docs.google.com/d/1{drawn(43)}/edit"
        yield "identifier", json.dumps({"tool_call_id": "call_" + drawn(24), "id": "chatcmpl-" + drawn(29)})
        yield "identifier", json.dumps({"id": "msg_01" + drawn(22), "tool_use_id": "toolu_01" + drawn(22)})
        yield "identifier", f"cus_{drawn(14)} pi_{drawn(24)} price_{drawn(24)} req_{drawn(14)}"
        yield "prose", "The password field must be empty, and the token was missing."
        yield "prose", "Reset your password: click the link. Password: required"
        yield "prose", "the secret is to keep trying; the password is wrong"
        yield "prose", "token: 128000 max, tokens used: 4096"
        yield "prose", "Passwort: muss mindestens 8 Zeichen haben; le mot de passe est obligatoire"
        yield "prose", "contraseña: obligatoria. пароль: обязателен. パスワードは必須です"
        yield "prose", "A cookie: small text file. The key is to read basic auth docs2"
        yield "prose", "bearer of bad news2020; the authorization: granted by admin1"
        yield "prose", "password must have 8 characters, e.g. letters2numbers"
        yield "measure", "loss=0.1234 lr=3e-4 step=1000 token/s=123.4"
        yield "measure", "2026-12-01T04:05:06.123456Z 10.0.0.1:8080 GET /api/v1/items?page=2&limit=50 200"
        yield "base64", f"Content-MD5: {drawn(22)}== X-Request-Id: {drawn(20)}"
        yield "certificate", f"-----BEGIN CERTIFICATE-----\nMIID{drawn(60)}\n{drawn(64)}\n-----END CERTIFICATE-----"
        yield "public key", f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{drawn(43)} me@host"
        yield "lock file", f'name = "foo"\nversion = "1.2.3"\nchecksum = "{sha256}"\nsource = "registry+https://x"'

"""The program's settings: environment `EXPLIB_*`, then a TOML file, then the defaults below."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from explib.errors import InvalidSetting
from explib.models.libraries import Library, LibrarySettings
from explib.settings.places import config_path, default_database_url
from explib.settings.wording import setting_text

AnalystName: TypeAlias = Literal["auto", "model", "agent", "contrast"]
AuthMode: TypeAlias = Literal["auto", "required", "none"]
MIB = 1024 * 1024
LEAST_PROMPT = 2_000
"""Tokens that the instructions, a repair and the shortest group need."""
TEAM_HOLDOUT = 0.05
ENGINES = ("sqlite", "sqlite+aiosqlite", "postgresql+asyncpg")


def config_file() -> Path:
    """The TOML file that is read: `EXPLIB_CONFIG`, which must exist, else `explib/config.toml` in the config folder.

    Raises InvalidSetting.
    """
    path = Path(config_path())
    if os.environ.get("EXPLIB_CONFIG") and not path.is_file():
        raise InvalidSetting(f"EXPLIB_CONFIG names {path}, which is not a file: correct it, or unset it.")
    return path


class Settings(LibrarySettings, BaseSettings):
    """Every setting of the program, and the defaults of libraries created from now on.

    `explib doctor` prints each with its source. What a library that exists was given stays its own.
    """

    model_config = SettingsConfigDict(env_prefix="EXPLIB_", extra="forbid", frozen=True)

    database_url: str = Field(default_factory=default_database_url)
    database_pool_size: Annotated[int, Field(ge=2)] = 10
    """Most connections that one process holds to PostgreSQL."""
    database_statement_timeout: Annotated[float, Field(gt=0, le=1_000_000)] = 30.0
    """Seconds that one statement may take on PostgreSQL, waiting for others included."""
    library: str = "default"
    analyst: AnalystName = "auto"
    model: str | None = None
    """The model's name at its endpoint; with only a base URL set, `default`, which single-model servers take."""
    model_base_url: str | None = None
    """Any OpenAI-compatible endpoint; unset: OPENAI_BASE_URL, else OpenAI's own."""
    model_api_key: Annotated[SecretStr | None, Field(repr=False)] = None
    """Unset: OPENAI_API_KEY."""
    model_command: str | None = None
    """A program in place of an endpoint, e.g. `claude -p`: the prompt on its standard input, the answer on its
    standard output."""
    model_context: Annotated[int, Field(ge=1024)] = 32_000
    """Tokens of context that the model really takes."""
    model_answer_tokens: Annotated[int, Field(ge=64)] = 2_000
    model_concurrency: Annotated[int, Field(ge=1, le=256)] = 8
    model_timeout: Annotated[float, Field(gt=0)] = 120.0
    """Seconds."""
    model_retries: Annotated[int, Field(ge=0, le=20)] = 4
    """Further tries of a call that met a 429, a 5xx or a broken connection, with growing waits."""
    embedder: Literal["wordllama", "none"] = "wordllama"
    """`wordllama` (offline) or `none` (lexical only)."""
    token_budget_per_day: Annotated[int | None, Field(ge=0)] = 2_000_000
    """Prompt and completion tokens a day (UTC) that the learner may spend; `none` or empty: no limit."""
    retention_days: Annotated[float | None, Field(gt=0)] = None
    """Days after which the steps of a trajectory may go (its reward and what was learned stay); unset: never."""
    max_trajectory_bytes: Annotated[int, Field(ge=1024)] = 8 * MIB
    redact_personal: bool = False
    """Whether e-mail addresses and telephone, card, account and national id numbers are taken out like secrets (on or
    off); needs the extra `personal`. Names and postal addresses are not looked for."""
    lease_seconds: Annotated[float, Field(ge=1)] = 30.0
    service: Literal["auto", "off"] = "auto"
    """`auto`: servers over stdio share one process where this machine lets them; `off`: each serves by itself."""
    service_idle_seconds: Annotated[float, Field(ge=0)] = 300.0
    """How long a service without clients waits for one, or for something to learn, before it ends."""
    hook_seconds: Annotated[float, Field(gt=0, le=60)] = 1.0
    """How long a hook waits for lessons at a prompt; then the prompt goes on without."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "WARNING"
    log_format: Literal["text", "json"] = "text"
    """`json`: one JSON object a line on standard error."""
    auth: AuthMode = "auto"
    """Who needs an access token over HTTP: `required` everybody, `none` nobody, `auto` everybody once the server is
    bound to another address than loopback, or a token exists, or OAuth is set up."""
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    """Names by which clients reach the HTTP server, beside the bound address: a list, or separated by commas."""
    public_url: str | None = None
    """The endpoint as clients reach it through a proxy, e.g. https://lessons.example.org/mcp; its name is allowed."""
    oauth_issuer: str | None = None
    """With the two below: accept this identity provider's JWTs as access tokens."""
    oauth_jwks_url: str | None = None
    oauth_audience: str | None = None
    oauth_scope_claim: str = "scope"
    """The claim that holds `explib:read|submit|curate|admin` and, if wanted, `explib:library:NAME`."""
    oauth_libraries_claim: str = "explib_libraries"
    """The claim that holds library names, a list or separated by blanks; `*`: every one."""
    requests_per_minute: Annotated[int | None, Field(ge=1)] = None
    """For each token (without one: each address) and worker. Unset: 3000, and no limit for clients on this machine."""

    @field_validator("database_url")
    @classmethod
    def _known_engine(cls, value: str) -> str:
        scheme = value.partition("://")[0]
        if scheme not in ENGINES:
            raise ValueError(
                f"has the unsupported scheme {scheme[:40]!r}: use sqlite+aiosqlite:////path/to/library.db "
                "or postgresql+asyncpg://user@host/database"
            )
        return value

    @field_validator("redact_personal")
    @classmethod
    def _recognisers(cls, wanted: bool) -> bool:
        if wanted and not (find_spec("phonenumbers") and find_spec("stdnum")):
            raise ValueError("needs what recognises personal data: pip install 'explib[personal]'")
        return wanted

    @model_validator(mode="after")
    def _rewards_in_order(self) -> Settings:
        if not self.reward_min < self.reward_max:
            raise ValueError("reward_min must be below reward_max")
        return self

    def serving_teams(self) -> Settings:
        """As they are where many people are served: what is unset gets the default of a team's server."""
        return self if "holdout" in self.model_fields_set else self.model_copy(update={"holdout": TEAM_HOLDOUT})

    @field_validator("token_budget_per_day", "retention_days", mode="before")
    @classmethod
    def _no_limit(cls, value: object) -> object:
        return None if value in ("", "none") else value

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def _separated(cls, value: object) -> object:
        return tuple(filter(None, map(str.strip, value.split(",")))) if isinstance(value, str) else value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment, then the TOML file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, config_file())

    @property
    def request_bytes(self) -> int:
        """Most bytes of an HTTP request's body: a trajectory may double by being escaped into JSON."""
        return 2 * self.max_trajectory_bytes + MIB

    @property
    def model_configured(self) -> bool:
        """Whether the user has named a model, an endpoint or a command for this program."""
        return bool(self.model or self.model_base_url or self.model_command)

    @property
    def model_name(self) -> str:
        """What the endpoint is asked for; of a command, the command itself where no model is named."""
        return self.model or self.model_command or "default"

    def chosen_analyst(self) -> AnalystName:
        """The analyst that `auto` stands for, else the one that is set. Raises InvalidSetting where it cannot work."""
        analyst = self.analyst
        if analyst == "auto":
            analyst = "model" if self.model_configured else "contrast"
        if analyst == "model" and not self.model_configured:
            raise InvalidSetting(
                "EXPLIB_ANALYST is model, but none is configured: set EXPLIB_MODEL (and EXPLIB_MODEL_BASE_URL for an "
                "endpoint other than OpenAI's) or EXPLIB_MODEL_COMMAND, use contrast, or agent, with which the "
                "attached agent learns."
            )
        if analyst != "contrast" and self.model_context < LEAST_PROMPT + self.model_answer_tokens:
            raise InvalidSetting(
                f"EXPLIB_MODEL_CONTEXT={self.model_context} leaves no room for a prompt beside "
                f"EXPLIB_MODEL_ANSWER_TOKENS={self.model_answer_tokens}: a prompt needs at least {LEAST_PROMPT}."
            )
        return analyst

    def library_defaults(self) -> LibrarySettings:
        """The settings that a new library starts with."""
        return LibrarySettings(**{name: getattr(self, name) for name in LibrarySettings.model_fields})

    def not_in_force(self, library: Library) -> list[str]:
        """A sentence for each library setting of the environment or the file that is another in this library."""
        given = [name for name in LibrarySettings.model_fields if name in self.model_fields_set]
        pairs = [(name, getattr(self, name), getattr(library.settings, name)) for name in given]
        return [
            f"library {library.name} has {name} = {setting_text(own)}: EXPLIB_{name.upper()}={setting_text(default)} "
            f"is for libraries created from now on (change it: explib libraries set {library.name} {name}=…)"
            for name, default, own in pairs
            if own != default
        ]

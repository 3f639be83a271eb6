"""Every setting once: its name, its default and one line of help.

A setting is read from the environment variable `REGARD_` + its name in capitals. `docs/settings.md` is
written from this table, and a test fails when the two differ. Settings may only forbid: what a deployment
*allows* is the policy's to say.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import msgspec

PREFIX = "REGARD_"
NOTHING = "none"
CAPABILITIES = ("faces", "labels", "text", "moderation", "equipment")


def _home(variable: str, fallback: str) -> Path:
    return Path(os.environ.get(variable) or Path.home() / fallback) / "regard"


def _help(line: str, **bounds: Any) -> msgspec.Meta:
    return msgspec.Meta(description=line, **bounds)


class SettingError(ValueError):
    """A setting holds a value that it cannot have; the text says which, why, and what it may be."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings of one process. Build them with :func:`from_environment`, or by hand in tests."""

    data_dir: Annotated[Path, _help("Where the database, keys and logs are kept.")] = msgspec.field(
        default_factory=lambda: _home("XDG_DATA_HOME", ".local/share")
    )
    weights_dir: Annotated[Path, _help("Where downloaded model files are kept; services only read it.")] = (
        msgspec.field(default_factory=lambda: _home("XDG_CACHE_HOME", ".cache") / "weights")
    )
    weights_file: Annotated[Path | None, _help("A weights.toml of your own, laid over the one that ships.")] = None
    heads_dir: Annotated[
        Path | None, _help("A folder of heads of your own, as `regard train head` writes them, before those that ship.")
    ] = None
    scenes_file: Annotated[
        Path | None, _help("A head of your own that tells scenes, as `regard train scenes` writes it.")
    ] = None
    calibration_file: Annotated[
        Path | None, _help("A calibration of your own, as `regard evaluate calibrate` writes it.")
    ] = None

    database_url: Annotated[
        str | None,
        _help("PostgreSQL that several services share (postgresql+psycopg://…), in place of files in the data folder."),
    ] = None
    keys_url: Annotated[
        str | None, _help("The key store beside it: another PostgreSQL database, outside the backups of the first.")
    ] = None

    master_key: Annotated[
        str | None, _help("The master key, base64 of 32 bytes, in place of the file master.key in the data folder.")
    ] = None
    master_key_command: Annotated[
        str | None, _help("A program that prints the master key, as a KMS gives it out. It is run without a shell.")
    ] = None

    host: Annotated[str, _help("Address to listen on. Anything but loopback needs TLS or a declared proxy.")] = (
        "127.0.0.1"
    )
    port: Annotated[int, _help("Port to listen on.", ge=0, le=65535)] = 4599
    tls_certificate: Annotated[Path | None, _help("PEM certificate chain to serve HTTPS with.")] = None
    tls_key: Annotated[
        Path | None, _help("PEM private key of the certificate, which its owner alone may read (0600).")
    ] = None
    behind_proxy: Annotated[
        bool,
        _help("Declare a proxy that terminates TLS, passes Host on unchanged and adds whom it saw to X-Forwarded-For."),
    ] = False
    console_url: Annotated[
        Annotated[str, msgspec.Meta(pattern=r"^(https://[^/\s]+|http://localhost(:\d+)?)$")] | None,
        _help(
            "Where browsers find the console, such as https://faces.example.org: passkeys are bound to its name. "
            "Unset: at localhost alone."
        ),
    ] = None
    regions: Annotated[
        tuple[str, ...], _help("Regions that a signature may name, separated by commas. Empty: any.")
    ] = ()
    cors_origins: Annotated[
        tuple[Annotated[str, msgspec.Meta(pattern=r"^(\*|https?://[^/\s]+)$")], ...],
        _help(
            "Origins (https://example.org) whose pages may call the API from a browser, separated by commas; "
            "*: any page. Empty: none."
        ),
    ] = ()

    runtime: Annotated[
        str, _help("What runs the models: openvino or onnxruntime.", pattern="^(openvino|onnxruntime)$")
    ] = "openvino"
    precision: Annotated[
        str,
        _help(
            "Arithmetic of the models: auto (bf16 on processors with AMX and AMD's with AVX-512 BF16), bf16 or f32.",
            pattern="^(auto|bf16|f32)$",
        ),
    ] = "auto"
    workers: Annotated[int, _help("Requests worked on at once. 0: one a processor core.", ge=0)] = 0
    threads: Annotated[int, _help("Threads that one inference may use.", ge=1)] = 1
    search_memory: Annotated[
        int,
        _help(
            "MiB that searched collections may take in memory; those not asked for the longest go first. "
            "0: half of what the machine has.",
            ge=0,
        ),
    ] = 0
    search: Annotated[
        str,
        _help(
            "Where faces are searched: memory, or pgvector, the database, for collections that the council marked so.",
            pattern="^(memory|pgvector)$",
        ),
    ] = "memory"
    instances: Annotated[
        int, _help("Inferences that one model may run at once. 0: as many as the cores allow by threads.", ge=0)
    ] = 0
    unload_after: Annotated[
        int,
        _help("Seconds after which models that nobody asked for leave memory; those of faces stay. 0: never.", ge=0),
    ] = 0
    warm: Annotated[
        tuple[Annotated[str, msgspec.Meta(pattern=f"^({'|'.join(CAPABILITIES)})$")], ...],
        _help(
            f"What is loaded and has run once before `/readyz` says ready, of {', '.join(CAPABILITIES)}. "
            "The rest loads when it is first asked for; `none`: everything."
        ),
    ] = ("faces",)
    stuck_after: Annotated[
        int,
        _help(
            "Seconds after which a call that is still worked on makes `/readyz` say 503, and its stack goes to the "
            "service's log. 0: never.",
            ge=0,
        ),
    ] = 60
    queue: Annotated[int, _help("Requests that may wait for a worker before callers are throttled.", ge=0)] = 64
    profile: Annotated[
        str,
        _help(
            "How faces are embedded: fast, or accurate, which takes two embeddings a face. Collections keep theirs.",
            pattern="^(fast|accurate)$",
        ),
    ] = "fast"
    rights_profile: Annotated[
        str,
        _help(
            "The profile of new collections whose purpose puts a person's rights at stake; the tag `regard:profile` of "
            "a collection counts more.",
            pattern="^(fast|accurate)$",
        ),
    ] = "accurate"
    small_faces: Annotated[
        str,
        _help(
            "When to look again for small faces: auto (large pictures), always or never.",
            pattern="^(auto|always|never)$",
        ),
    ] = "auto"
    label_text: Annotated[
        bool,
        _help("Whether DetectLabels reads, too, and tells Text where words are: it then takes six times as long."),
    ] = False
    emotions: Annotated[bool, _help("Set to false to forbid emotions even where the policy allows them.")] = True

    video_interval: Annotated[
        int,
        _help(
            "Milliseconds of stored video from one frame that is looked at to the next; AWS looks at two a second.",
            ge=1,
        ),
    ] = 500
    video_minutes: Annotated[int, _help("Minutes that a stored video may last.", ge=1)] = 360
    video_size: Annotated[int, _help("MiB that the file of a stored video may have.", ge=1)] = 10_240
    jobs_workers: Annotated[
        int, _help("Processes that the service starts to work on jobs, at a lower priority. 0: none.", ge=0, le=64)
    ] = 1
    jobs_disk: Annotated[
        int, _help("MiB of the data folder that a worker may fill with the film it works on.", ge=1)
    ] = 10_240
    streams_reach: Annotated[
        tuple[str, ...],
        _help(
            "Addresses of this machine and of networks of its own at which cameras may be: 192.168.1.0/24, "
            "127.0.0.1:8554, separated by commas. Empty: none but those on the internet."
        ),
    ] = ()
    streams_patience: Annotated[
        int, _help("Seconds without a picture after which a camera is given up, and its processor has failed.", ge=1)
    ] = 300
    kinesis_allowed: Annotated[
        tuple[str, ...],
        _help(
            "Which Kinesis data streams may be put to: ORGANIZATION=ARN, or how ARNs begin, separated by commas. "
            "Empty: none."
        ),
    ] = ()
    video_memory: Annotated[int, _help("MiB of memory that decoding one video may take.", ge=256)] = 2048

    audit_days: Annotated[
        int, _help("Days for which a bias audit of the face model counts; without one, the start says so.", ge=1)
    ] = 365
    audit_pictures: Annotated[
        int, _help("Pictures that an outside auditor's batches may hold in 24 hours, together.", ge=0)
    ] = 10_000
    custom_audit: Annotated[
        Path | None,
        _help("Pictures in groups that the probe of people projects looks at, laid out as for `regard audit run`."),
    ] = None
    log_name: Annotated[
        str,
        _help("Name of the transparency log, for ever: a host name and a path without scheme.", pattern=r"^[^\s+]+$"),
    ] = "regard.localhost/log"
    witnesses: Annotated[
        tuple[str, ...], _help("Witnesses that are asked to cosign the log: KEY ADDRESS, separated by commas.")
    ] = ()
    witness_quorum: Annotated[
        int, _help("How many of them must cosign; when fewer do, the service says so and goes on.", ge=0)
    ] = 0

    report_days: Annotated[int, _help("Days until an appeal or a report of abuse must be answered.", ge=1)] = 30
    reports_of_address: Annotated[
        int, _help("Appeals and reports of abuse that one network address may file a day.", ge=1)
    ] = 5
    reports_a_day: Annotated[int, _help("Appeals and reports of abuse that are taken a day, in all.", ge=1)] = 200

    s3_endpoint: Annotated[str | None, _help("S3-compatible endpoint for S3Object. Unset: AWS's own.")] = None
    s3_region: Annotated[str | None, _help("Region of that endpoint.")] = None
    s3_access_key_id: Annotated[str | None, _help("Credentials for S3Object. Unset: boto3's usual chain.")] = None
    s3_secret_access_key: Annotated[str | None, _help("Secret of that access key.")] = None
    s3_allowed: Annotated[
        tuple[str, ...],
        _help("What S3Object may read: ORGANIZATION=bucket/prefix, separated by commas. Empty: nothing."),
    ] = ()
    s3_writable: Annotated[
        tuple[str, ...],
        _help("Where jobs may write their results: ORGANIZATION=bucket/prefix, separated by commas. Empty: nowhere."),
    ] = ()

    sns_allowed: Annotated[
        tuple[str, ...],
        _help(
            "Which topics of SNS may be told of the end of a job: ORGANIZATION=ARN, or how ARNs begin, separated by "
            "commas. Empty: none."
        ),
    ] = ()
    webhook_url: Annotated[
        str | None, _help("An address that is told of the end of every job, and whom searches found. Unset: none.")
    ] = None
    webhook_secret: Annotated[
        str | None, _help("The secret that webhooks are signed with: whsec_ and base64 of 24 to 64 bytes.")
    ] = None


def variable(name: str) -> str:
    """The environment variable of the setting `name`."""
    return PREFIX + name.upper()


def told_to_workers(settings: Settings) -> dict[str, str]:
    """What a process that this one starts has to hear besides its environment: what was given on the command line."""
    return {variable("data_dir"): str(settings.data_dir.absolute())}


def table() -> list[tuple[str, str, str, str]]:
    """One row a setting: name, environment variable, default as text, help."""
    hints = get_type_hints(Settings, include_extras=True)
    shown = {"data_dir": "~/.local/share/regard", "weights_dir": "~/.cache/regard/weights"}
    rows = []
    for field in msgspec.structs.fields(Settings):
        meta: msgspec.Meta = hints[field.name].__metadata__[0]
        default = shown.get(field.name) or _as_text(field.default)
        rows.append((field.name, variable(field.name), default, meta.description or ""))
    return rows


def as_markdown() -> str:
    """The text of `docs/settings.md`."""
    lines = [
        "# Settings",
        "",
        "Every setting is an environment variable. This page is made by `regard settings --write`; a test "
        "fails when it is out of date.",
        "",
        "| variable | default | what it does |",
        "|---|---|---|",
        *(f"| `{key}` | {f'`{default}`' if default else ''} | {line} |" for _, key, default, line in table()),
    ]
    return "\n".join(lines) + "\n"


def _as_text(value: Any) -> str:
    if value is None or value == ():
        return ""
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def from_environment(environ: Mapping[str, str] = os.environ, **given: Any) -> Settings:
    """Read the settings from `environ`; what is `given` by name and not None wins.

    Raises SettingError for a value that a setting cannot have, and for a `REGARD_` variable that is none.
    """
    names = {variable(field.name): field.name for field in msgspec.structs.fields(Settings)}
    unknown = sorted(key for key in environ if key.startswith(PREFIX) and key not in names)
    if unknown:
        raise SettingError(f"{', '.join(unknown)}: no such setting. `regard settings` lists them all.")
    values: dict[str, Any] = {name: environ[key] for key, name in names.items() if environ.get(key, "") != ""}
    values |= {name: value for name, value in given.items() if value is not None}
    return _convert(values)


_LISTS = (
    "regions",
    "cors_origins",
    "s3_allowed",
    "s3_writable",
    "sns_allowed",
    "kinesis_allowed",
    "streams_reach",
    "witnesses",
    "warm",
)


def _convert(values: dict[str, Any]) -> Settings:
    for name in _LISTS:
        if isinstance(values.get(name), str):
            values[name] = tuple(part.strip() for part in values[name].split(",") if part.strip())
    if values.get("warm") == (NOTHING,):
        values["warm"] = ()
    try:
        return msgspec.convert(values, Settings, strict=False, dec_hook=lambda kind, value: kind(value))
    except (msgspec.ValidationError, TypeError) as error:
        place = str(error).rpartition("$.")[2].rstrip("`").partition("[")[0] or "?"
        raise SettingError(f"{variable(place)}: {error}") from None

"""One line for each environment variable. A test fails when the settings modules read one that is not here."""

from typing import NamedTuple


class Setting(NamedTuple):
    """`default` only where the code's own cannot be shown as it stands."""

    name: str
    words: str
    default: str | None = None


class Section(NamedTuple):
    """Settings that belong together."""

    title: str
    settings: tuple[Setting, ...]
    words: str = ""


IN_DATA_DIR = "made at the first start, kept in the data folder"

SECTIONS = (
    Section(
        "Starting",
        (
            Setting("HOST", "The address that `make run` listens on.", "`127.0.0.1`"),
            Setting("PORT", "Its port; with docker compose the one on the host.", "`8000`"),
            Setting(
                "PAIBAN_DATA_DIR",
                "The folder of everything that is kept: database, uploads, Redis files, logs, secrets.",
                "`var`; `/data` in the image",
            ),
            Setting(
                "PAIBAN_ADMIN_PASSWORD",
                "The administrator's password, set at every start that names it; nothing has to be changed then.",
                "a one-time password, printed",
            ),
            Setting(
                "PAIBAN_DEMO_PASSWORD",
                "One password for `operator`, `editor`, `viewer` and `member`, set at every start that names it.",
                "generated and printed",
            ),
            Setting(
                "PYTHON",
                "The Python that `.venv` is made of; read from the real environment only.",
                "the first that runs of 3.12, 3.11, 3.13, …",
            ),
            Setting("DJANGO_SETTINGS_MODULE", "Which settings: `dev`, or `prod` behind TLS.", "`config.settings.dev`"),
            Setting(
                "PAIBAN_PROCESS",
                "What the status page calls this process, where its command does not tell: `web` behind a server "
                "that is not known here.",
                "from the command: `web`, `worker`, `beat`, `dispatcher`, `command` or `server`",
            ),
            Setting("DEBUG", "Django's debug pages. Read by `make run` only; never on in production."),
        ),
    ),
    Section(
        "Servers",
        (
            Setting(
                "DATABASE_URL",
                "`mysql://user:password@host:3306/name` or `sqlite:///path`. Production has to be given it.",
                "`paiban.sqlite3` in the data folder",
            ),
            Setting(
                "REDIS_URL",
                "Broker, cache and bells. Production has to be given it.",
                "`redis://127.0.0.1:6379/0`; `make run` starts a server of its own",
            ),
            Setting("PAIBAN_REDIS_PREFIX", "Stands before every key, so that installations can share a server."),
            Setting(
                "PAIBAN_CONFIG_BACKUP_DIR",
                "Where each machine keeps what it last served, for processes that start while the database is away.",
                "`config` in the data folder",
            ),
        ),
    ),
    Section(
        "Secrets",
        (
            Setting("SECRET_KEY", "Signs sessions, one-time links and the links of files.", IN_DATA_DIR),
            Setting(
                "PAIBAN_SIGNING_KEY",
                "A list. Signs access tokens: the first signs, all verify. At least 32 characters each.",
                IN_DATA_DIR,
            ),
            Setting(
                "PAIBAN_MASTER_KEYS",
                "A list of `kid:base64 of 32 bytes`. Encrypts provider keys: the first encrypts, all decrypt. "
                "Without it they cannot be read again.",
                IN_DATA_DIR,
            ),
        ),
        "Production refuses to start without them. See [operations](operations.md#secrets) for changing them.",
    ),
    Section(
        "Site",
        (
            Setting("ALLOWED_HOSTS", "A list of the host names this site answers to, also for websockets."),
            Setting("CSRF_TRUSTED_ORIGINS", "A list of origins, with scheme, whose forms are accepted."),
            Setting("PAIBAN_BASE_URL", "The address under which people reach the site."),
            Setting("SECURE_SSL_REDIRECT", "Production: send plain HTTP to HTTPS."),
            Setting("SECURE_HSTS_SECONDS", "Production: how long browsers shall insist on HTTPS."),
            Setting(
                "PAIBAN_OUTBOUND_ALLOWED_HOSTS",
                "A list of hosts in private networks that calls to models may reach. All others are refused.",
            ),
            Setting(
                "PAIBAN_PIPELINE_HOSTS",
                "A list of hosts, each with its port unless that is 443, that pipelines may call. Only by https.",
            ),
            Setting(
                "PAIBAN_MCP_STDIO",
                "Local tool servers: a JSON object, or the path of a file with one, such as "
                '`{"git": {"command": ["/usr/bin/mcp-server-git", "--repository", "/srv/docs"]}}`.',
            ),
            Setting("PAIBAN_STATIC_ROOT", "Where `collectstatic` puts files.", "`static` in the data folder"),
        ),
    ),
    Section(
        "People and credits",
        (
            Setting("PAIBAN_ACCESS_TOKEN_SECONDS", "How long an access token works."),
            Setting("PAIBAN_REFRESH_TOKEN_SECONDS", "How long a sign-in lasts that nobody refreshes."),
            Setting("PAIBAN_WELCOME_CREDITS", "Credits that a new account starts with."),
            Setting(
                "PAIBAN_USER_BUDGET",
                "What every user may spend on models, in credits; one person's own limit is set in the admin.",
                "no limit",
            ),
            Setting("PAIBAN_USER_BUDGET_PERIOD", "For how long: `total`, `day` or `month`, in UTC."),
            Setting("PAIBAN_USAGE_ROW_DAYS", "Days for which single calls to models are kept; the daily sums stay."),
            Setting("PAIBAN_POLICY_FILE", "The file that says what each role may do.", "`config/policy.toml`"),
            Setting(
                "PAIBAN_POLICY_MODE",
                "`enforce`, or `log` to try a stricter policy: staff are let through where their role says no, except "
                "to people, roles, credits and secrets, and each case is logged as `permission.would_deny`.",
            ),
        ),
    ),
    Section(
        "Files",
        (
            Setting("PAIBAN_STORAGE", "`local`, or `s3` for any S3-compatible server."),
            Setting("PAIBAN_S3_BUCKET", "The bucket."),
            Setting("PAIBAN_S3_ENDPOINT_URL", "The server, when it is not AWS."),
            Setting("PAIBAN_S3_REGION", "The region. Keys are read as boto3 does: `AWS_ACCESS_KEY_ID` and so on."),
            Setting("PAIBAN_FILE_LINK_SECONDS", "How long a link to a file works."),
            Setting("PAIBAN_UPLOAD_MAX_BYTES", "The largest upload."),
            Setting("PAIBAN_UPLOAD_MAX_PIXELS", "The most pixels a picture may have."),
            Setting(
                "PAIBAN_UPLOAD_MAX_SIDE", "Pixels; a longer side is scaled down to this when the picture comes in."
            ),
        ),
    ),
    Section(
        "Tasks",
        (
            Setting("PAIBAN_TASK_LEASE_SECONDS", "How long a worker owns a task without renewing its lease."),
            Setting("PAIBAN_TASK_RENEW_SECONDS", "How often it renews."),
            Setting(
                "PAIBAN_PROVIDER_CHECK_SECONDS",
                "How long about between two tests of an endpoint that has a key; 0 tests none by itself.",
            ),
            Setting("PAIBAN_TASK_MAX_ATTEMPTS", "Claims without a finished step, after which a task is failed."),
            Setting("PAIBAN_TASK_SLOTS", "How many tasks one worker process works on at once."),
            Setting("PAIBAN_TRIAL_SLOTS", "How many trial runs and replays it works on beside them."),
            Setting(
                "PAIBAN_TRIAL_DAYS", "Days for which trial runs and replays are kept after they ended; 0: for good."
            ),
            Setting("PAIBAN_TASK_PER_USER", "How many tasks of one user are worked on at once, in all processes."),
            Setting("PAIBAN_RUN_SECONDS", "The longest that a run may work; waiting for people does not count."),
            Setting("PAIBAN_RUN_STEPS", "The most steps that a run may make, those of every item counted."),
            Setting("PAIBAN_TASK_REQUEUE_SECONDS", "How long a task may wait before a worker is told of it again."),
            Setting(
                "PAIBAN_FEATURE_MODEL_SECONDS",
                "How long a plain answer of a feature over `/v1` or `/mcp` is waited for. The task goes on after it.",
            ),
        ),
    ),
    Section(
        "Logs",
        (
            Setting("PAIBAN_LOG_FORMAT", "`json` or `console`.", "`json`; `console` with `make run`"),
            Setting("PAIBAN_LOG_LEVEL", "`DEBUG`, `INFO`, `WARNING` or `ERROR`."),
        ),
    ),
    Section(
        "docker compose",
        (
            Setting(
                "MYSQL_PASSWORD",
                "The database's password; letters and digits, as it becomes part of a URL.",
                "none: needed",
            ),
            Setting("PAIBAN_BIND", "Where nginx listens on the host. TLS ends in front of it.", "`127.0.0.1`"),
            Setting("WEB_PROCESSES", "Web processes in a container.", "`2`"),
            Setting("WORKER_CONCURRENCY", "Tasks that a worker container runs at once.", "`8`"),
            Setting("WORKER_QUEUES", "The queues it serves.", "`pipelines`"),
            Setting(
                "PROXY_IPS", "Whose `X-Forwarded-*` headers are believed.", "`127.0.0.1`; `*` in docker-compose.yml"
            ),
            Setting("GRAFANA_PASSWORD", "Grafana's administrator, with the profile `monitoring`.", "none"),
            Setting("GRAFANA_PORT", "Grafana's port on the host.", "`3000`"),
        ),
    ),
    Section(
        "Development",
        (
            Setting("ARGS", 'Arguments for a make target: `make test ARGS="tests/tasks -k claim"`.', "none"),
            Setting("YES", "`YES=1 make reset` asks no question.", "none"),
            Setting(
                "PAIBAN_OFFLINE_AUDIT", "`warn`: an audit that reaches no advisory service is not a failure.", "none"
            ),
            Setting("PAIBAN_CHROMIUM", "The browser for `make e2e`.", "the first on `PATH`"),
            Setting("CI_ARTIFACTS", "Where `.ci/run` and `make e2e` leave logs and screenshots.", "`var/artifacts`"),
            Setting("HYPOTHESIS_PROFILE", "`nightly` looks harder.", "`default`"),
            Setting("PAIBAN_TEST_DATA_DIR", "The suite's data folder.", "a temporary one"),
        ),
    ),
)

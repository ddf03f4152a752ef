# syntax=docker/dockerfile:1
# The production image: one image for every process, see ops/docker/entrypoint.sh. docker build --tag paiban .

FROM node:22-bookworm-slim AS frontend
WORKDIR /src/frontend
COPY frontend/package.json frontend/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY frontend ./
# Vite writes to ../static/build.
RUN npm run build

FROM python:3.12-slim-bookworm AS packages
RUN apt-get update \
 && apt-get install --yes --no-install-recommends build-essential default-libmysqlclient-dev pkg-config \
 && rm -rf /var/lib/apt/lists/*
RUN python -m venv /opt/venv
COPY requirements/mysql.txt /tmp/mysql.txt
RUN /opt/venv/bin/pip install --no-cache-dir --require-hashes -r /tmp/mysql.txt

FROM python:3.12-slim-bookworm
RUN apt-get update \
 && apt-get install --yes --no-install-recommends libmariadb3 tini \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --user-group --home-dir /app --shell /usr/sbin/nologin paiban \
 && install --directory --owner=paiban --group=paiban --mode=0750 /data
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=config.settings.prod \
    PAIBAN_DATA_DIR=/data \
    PAIBAN_STATIC_ROOT=/app/staticfiles \
    REMAP_SIGTERM=SIGQUIT
WORKDIR /app
COPY --from=packages /opt/venv /opt/venv
COPY manage.py LICENSE ./
COPY apps apps
COPY config config
COPY locale locale
COPY static static
COPY templates templates
COPY ops/docker ops/docker
COPY --from=frontend /src/static/build static/build
# Static files belong to the code, so they are collected into the image; the values only satisfy the settings.
RUN SECRET_KEY=build PAIBAN_SIGNING_KEY=build PAIBAN_MASTER_KEYS=build \
    DATABASE_URL=sqlite:////tmp/build.sqlite3 REDIS_URL=redis://127.0.0.1:1/0 \
    python manage.py collectstatic --noinput \
 && python -m compileall -q apps config
USER paiban
VOLUME /data
EXPOSE 8000
# The web process's own check; the others override or disable it in docker-compose.yml.
HEALTHCHECK --interval=10s --timeout=5s --start-period=40s --retries=3 \
  CMD ["/app/ops/docker/entrypoint.sh", "healthy"]
ENTRYPOINT ["/usr/bin/tini", "--", "/app/ops/docker/entrypoint.sh"]
CMD ["web"]

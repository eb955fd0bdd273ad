# syntax=docker/dockerfile:1
FROM python:3.12-slim-bookworm AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE config.toml ./
COPY hotstream_reactive ./hotstream_reactive
RUN python -m venv /opt/hotstream \
 && /opt/hotstream/bin/pip install --no-cache-dir ".[metrics,otel]"

FROM python:3.12-slim-bookworm
# Chromium for pages that need a browser, fonts for what it draws (also Chinese), and tini so that
# signals reach the worker and its dead children are collected. No versions: Debian keeps one of each,
# so an image with pinned ones could not be built any more after the next security update.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends chromium fonts-noto-cjk fonts-liberation tini \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --no-log-init --create-home --uid 10001 hotstream \
 && install -d -o hotstream -g hotstream /app /app/output /app/logs
COPY --from=build /opt/hotstream /opt/hotstream
ENV PATH=/opt/hotstream/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HOTSTREAM_FETCH_CHROMIUM=/usr/bin/chromium
# By number: Kubernetes cannot tell of a name that it is not root.
USER 10001
WORKDIR /app
VOLUME ["/app/output", "/app/logs"]
# SIGTERM drains: running tasks finish within scheduler.shutdown_grace (25 s), the rest is handed back.
STOPSIGNAL SIGTERM
# Alive but deaf is unhealthy too: a stuck event loop, or a database that does not answer.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
  CMD ["hotstream", "health"]
ENTRYPOINT ["tini", "--", "hotstream"]
CMD ["start-daemon"]

# Two images: `wangge` (api, worker, migrations) and `proxy` (TLS). No PostgreSQL is inside; the database is a service of its own.

FROM python:3.11-slim-bookworm AS build
WORKDIR /src
COPY tests/requirements.lock tests/
# The pinned uv out of the lock file, checked by its hashes.
RUN sed -n '/^uv==/,/[^\\]$/p' tests/requirements.lock > uv.lock \
    && pip install --no-cache-dir --require-hashes --requirement uv.lock \
    && rm uv.lock
ENV UV_LINK_MODE=copy UV_NO_CACHE=1
COPY requirements.lock ./
RUN uv venv /opt/wangge && uv pip sync --python /opt/wangge/bin/python --require-hashes --compile-bytecode requirements.lock
COPY . .
# The pages of web/ are a part of this image: without them the build fails.
RUN WANGGE_REQUIRE_WEB=1 uv build --wheel --build-constraints tests/requirements.lock --require-hashes --out-dir /dist . \
    && uv pip install --python /opt/wangge/bin/python --no-deps --compile-bytecode /dist/*.whl

FROM caddy:2.10-alpine AS proxy
# A copy loses the file capability for ports below 1024, which a container without capabilities could not even start with.
RUN cp /usr/bin/caddy /usr/local/bin/caddy \
    && adduser -D -H -u 10002 proxy \
    && mkdir -p /data/caddy /config/caddy \
    && chown -R proxy:proxy /data /config
COPY deploy/Caddyfile /etc/caddy/Caddyfile
USER 10002
EXPOSE 8443
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=6 \
    CMD ["wget", "--quiet", "--spider", "--no-check-certificate", "https://localhost:8443/healthz"]
ENTRYPOINT ["/usr/local/bin/caddy"]
CMD ["run", "--config", "/etc/caddy/Caddyfile"]

FROM python:3.11-slim-bookworm AS wangge
RUN useradd --system --uid 10001 --home-dir /var/lib/wangge --create-home wangge
COPY --from=build /opt/wangge /opt/wangge
ENV PATH=/opt/wangge/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    WANGGE_DATA_DIR=/var/lib/wangge \
    WANGGE_ENVIRONMENT=production \
    WANGGE_LOG_FORMAT=json
USER 10001
WORKDIR /var/lib/wangge
EXPOSE 8600
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=6 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8600/readyz', timeout=4)"]
ENTRYPOINT ["wangge"]
CMD ["serve"]

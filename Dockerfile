# mailprobe in a container: not root, read-only root file system, one volume for the journal.
#
#   docker build -t mailprobe .
#   docker run --read-only --cap-drop ALL -p 127.0.0.1:9925:9925 mailprobe demo --host 0.0.0.0
#   docker run --read-only --cap-drop ALL -p 127.0.0.1:9925:9925 \
#     -v mailprobe:/var/lib/mailprobe -v /srv/mailprobe:/etc/mailprobe:ro mailprobe
#
# The config in /etc/mailprobe/mailprobe.yml says, for a container:
#   web:     {listen: "0.0.0.0:9925"}      or nothing outside the container reaches the page
#   journal: {path: /var/lib/mailprobe/mailprobe.db}
# The user's id is 10001: the config and the secrets that it names must be readable by it.

# Any image with python3 >= 3.11 and its venv module.
ARG BASE=python:3.12-slim

FROM ${BASE} AS build
WORKDIR /src
# Two environments, so that pip and setuptools stay out of the image.
RUN python3 -m venv /tools && python3 -m venv --without-pip /opt/mailprobe
COPY pyproject.toml README.md LICENSE ./
COPY probe probe
# A build behind a proxy or on an index of its own hands in its pip.conf and certificates as
# secrets (docker build --secret id=pip.conf,src=FILE): they are read here and kept nowhere.
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    --mount=type=secret,id=ca.pem,target=/run/secrets/ca.pem \
    /tools/bin/pip --disable-pip-version-check wheel --no-cache-dir --no-deps --wheel-dir /dist . \
 && /tools/bin/pip --disable-pip-version-check --python /opt/mailprobe/bin/python3 \
      install --no-cache-dir "$(echo /dist/mailprobe-*.whl)[demo]"

FROM ${BASE}
ARG VERSION=
ARG REVISION=
LABEL org.opencontainers.image.title="mailprobe" \
      org.opencontainers.image.description="Synthetic email round-trip monitor for MSPs" \
      org.opencontainers.image.licenses="GPL-3.0-or-later" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

RUN groupadd --gid 10001 mailprobe \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/mailprobe \
      --shell /usr/sbin/nologin mailprobe \
 && install -d -m 0700 -o 10001 -g 10001 /var/lib/mailprobe
# The program is its own source; the licence that lets you have and change it stands beside it.
COPY --from=build /opt/mailprobe /opt/mailprobe
COPY LICENSE /usr/share/doc/mailprobe/LICENSE

# Where the healthcheck looks; change it with web.listen.
ENV PATH="/opt/mailprobe/bin:${PATH}" \
    PYTHONUNBUFFERED=1 \
    MAILPROBE_HEALTH_URL=http://127.0.0.1:9925/healthz
USER 10001:10001
# The only place that is written to. Python's tempfile ends here too where /tmp is read-only, as
# it takes the working directory last; so no tmpfs is needed.
WORKDIR /var/lib/mailprobe
VOLUME /var/lib/mailprobe
EXPOSE 9925
# Without the environment's proxies: it asks this very container.
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 \
    CMD ["python3", "-c", "import os, urllib.request as r; r.build_opener(r.ProxyHandler({})).open(os.environ['MAILPROBE_HEALTH_URL'], timeout=5)"]
ENTRYPOINT ["mailprobe"]
CMD ["run", "/etc/mailprobe/mailprobe.yml"]

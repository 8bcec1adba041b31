# okdrop as a container: `make image`; config/compose.yaml shows how to run it, docs/operations.md says more.

# Any Debian-like image with Python 3.11 or newer, its venv module and certificates; both stages need the same one.
ARG BASE=docker.io/library/python:3.13-slim

FROM ${BASE} AS build
WORKDIR /src
# What changes seldom comes first, so that a change of the code installs nothing anew.
COPY requirements/build.txt requirements/notify.txt requirements/
# By hash, and wheels alone: nothing is compiled, and nothing of a package runs while it is installed.
# okdrop's own environment gets no pip; so it has what messages need, since nobody can add it later.
RUN python3 -m venv /build \
 && python3 -m venv --without-pip /opt/okdrop \
 && /build/bin/pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements/build.txt \
 && /build/bin/pip --python /opt/okdrop install --no-cache-dir --require-hashes --only-binary :all: -r requirements/notify.txt
COPY pyproject.toml README.md ./
COPY daemon daemon
RUN /build/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /dist . \
 && /build/bin/pip --python /opt/okdrop install --no-cache-dir --no-deps --no-index /dist/*.whl

FROM ${BASE}
LABEL org.opencontainers.image.title="okdrop" \
      org.opencontainers.image.description="Watches folders and puts every video dropped there on OK.ru: once, whole, published."
COPY --from=build /opt/okdrop /opt/okdrop
# A fixed number, so that folders of the host can be given to it. The state belongs to group 0 as well, which is what
# platforms that choose a user number of their own give it (and what `--user 1000:0` gives).
# A base without certificates to trust would fail at the first upload; better here.
RUN groupadd --gid 10001 okdrop \
 && useradd --uid 10001 --gid okdrop --no-create-home --home-dir /var/lib/okdrop --shell /usr/sbin/nologin okdrop \
 && install -d -o okdrop -g root -m 0770 /var/lib/okdrop \
 && /opt/okdrop/bin/python -c 'import ssl, sys; sys.exit(0 if ssl.create_default_context().cert_store_stats()["x509_ca"] else "the base image has no certificates to trust")'

# Secrets mounted at /run/secrets under their names (access_token, …) are found there; none has to be.
# JSON also where somebody asked for a terminal, since a collector reads it.
ENV PATH=/opt/okdrop/bin:$PATH \
    CREDENTIALS_DIRECTORY=/run/secrets \
    OKDROP_LOG__FORMAT=json

USER 10001:10001
WORKDIR /var/lib/okdrop
# The ledger. Without a volume of its own here, every file is sent again after the container is replaced.
VOLUME ["/var/lib/okdrop"]

# The first asks to drain (8 s at most), a second one cuts.
STOPSIGNAL SIGTERM
# That a live process holds the ledger, and that the ledger can be read; not that uploads get on.
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s CMD ["okdrop", "health"]
# No init of its own: okdrop handles its signals and starts no process that it does not wait for.
ENTRYPOINT ["okdrop"]
CMD ["run"]

# reviewbot with git, as a CI image, for the gateway and for workers: no entry point, so that GitLab can start a shell.
#
#   docker build -t reviewbot . && docker run --rm -v "$PWD:/repository" reviewbot reviewbot review

FROM python:3.13-slim-bookworm AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY reviewbot reviewbot
COPY templates templates
RUN python -m venv /opt/reviewbot \
    && /opt/reviewbot/bin/pip install --no-cache-dir --disable-pip-version-check ".[gateway,worker]"

FROM python:3.13-slim-bookworm
# Debian keeps one version of git in a release, so that a pinned one would soon be gone.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates git \
    && rm -rf /var/lib/apt/lists/* \
    # A runner mounts the clone with another owner, and git would refuse to read it. The container holds no other.
    && git config --system --add safe.directory '*' \
    && useradd --uid 10001 --create-home --shell /bin/bash reviewbot \
    # A volume takes its owner from here: the gateway's audit log, the workers' stores.
    && install --directory --owner=10001 --group=10001 --mode=0700 /var/lib/reviewbot
COPY --from=build /opt/reviewbot /opt/reviewbot
ENV PATH=/opt/reviewbot/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1
# By number, so that Kubernetes can see that it is not root.
USER 10001:10001
WORKDIR /repository
CMD ["reviewbot", "--help"]

# Bertie as a server: docker build -t bertie . && docker run --read-only -p 8080:8080 bertie
FROM python:3.11-slim-bookworm AS build
# Which compiler it is is for the base image's release to say.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY pyproject.toml CMakeLists.txt README.md LICENSE ./
COPY core core
COPY bindings bindings
COPY src src
RUN python -m venv /opt/bertie \
    && /opt/bertie/bin/pip install --no-cache-dir --disable-pip-version-check '.[server]'
# Models that the image carries, so that it starts without a network: --build-arg MODELS="minilm …";
# "" for none, where a volume on /models has them.
ARG MODELS=minilm
RUN mkdir /models \
    && for model in $MODELS; do BERTIE_HOME=/models /opt/bertie/bin/bertie pull "$model" || exit 1; done

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --user-group --no-create-home --home-dir /nonexistent bertie
COPY --from=build /opt/bertie /opt/bertie
COPY --from=build --chown=10001:10001 /models /models
ENV PATH=/opt/bertie/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    BERTIE_HOME=/models \
    BERTIE_HOST=0.0.0.0 \
    BERTIE_PORT=8080
USER 10001:10001
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=6s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/health/ready', timeout=5)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["bertie", "serve"]
CMD ["minilm"]

# One image for every process. The front end and the packages are made in the first stage; compilers and npm stay there.
FROM python:3.11-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends npm && rm -rf /var/lib/apt/lists/*
WORKDIR /srv/plumbline
COPY . .
RUN python -m venv .venv \
 && .venv/bin/pip install --no-cache-dir --constraint constraints.txt --editable ".[bigquery,gcs,kafka,mcp]" \
 && PLUMBLINE_DATA_DIR=/tmp/build .venv/bin/python -m app.frontend \
 && rm -rf .tools .web/node_modules /tmp/build

FROM python:3.11-slim
RUN useradd --create-home --uid 10001 plumbline && install -d -o plumbline -m 0700 /data
COPY --from=build --chown=plumbline /srv/plumbline /srv/plumbline
WORKDIR /srv/plumbline
USER plumbline
ENV PLUMBLINE_DATA_DIR=/data PLUMBLINE_HOST=0.0.0.0 PYTHONUNBUFFERED=1
VOLUME /data
# 8000: UI, API, websocket and ingest. 4317: OpenTelemetry over gRPC, where PLUMBLINE_OTLP_GRPC_PORT switches it on.
EXPOSE 8000 4317
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
  CMD [".venv/bin/python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ.get('PLUMBLINE_PORT', '8000') + '/readyz', timeout=2)"]
ENTRYPOINT [".venv/bin/plumbline"]
CMD ["serve"]

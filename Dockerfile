# One image for every process; the front end is built in the first stage and only its files are kept.
FROM python:3.11-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends make npm && rm -rf /var/lib/apt/lists/*
WORKDIR /srv/plumbline
COPY . .
RUN python -m venv .venv \
 && .venv/bin/pip install --no-cache-dir --constraint constraints.txt --editable . \
 && .venv/bin/python -m app.frontend \
 && rm -rf .tools .web/node_modules

FROM python:3.11-slim
RUN useradd --create-home plumbline && install -d -o plumbline /var/lib/plumbline
COPY --from=build --chown=plumbline /srv/plumbline /srv/plumbline
WORKDIR /srv/plumbline
USER plumbline
ENV PLUMBLINE_DATA_DIR=/var/lib/plumbline PLUMBLINE_HOST=0.0.0.0
VOLUME /var/lib/plumbline
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD [".venv/bin/python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=2)"]
ENTRYPOINT [".venv/bin/plumbline"]
CMD ["serve"]

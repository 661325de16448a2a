"""Code that sends one event to this instance, to be copied. A key is never part of it: the variable PLUMBLINE_KEY stands for it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Snippet:
    """A way to send, what to know about it, and its code."""

    key: str
    title: str
    note: str
    code: str


def snippets(url: str) -> list[Snippet]:
    """All ways for the instance at this address, without a trailing slash."""
    return [
        Snippet("curl", "curl", "The service is the source of the event, the operation its name; the rest is yours.", _curl(url)),
        Snippet(
            "python",
            "Python",
            "Standard library only. For many events send a list under “events”, up to 10,000 at once.",
            _python(url),
        ),
        Snippet("javascript", "JavaScript", "For Node, Bun and Deno. Keep the key on your server.", _javascript(url)),
        Snippet(
            "otlp",
            "OpenTelemetry",
            "Settings of any OpenTelemetry SDK or Collector: spans become events, logs and metrics keep their kind.",
            _otlp(url),
        ),
        Snippet(
            "segment",
            "Segment",
            "Segment's own library (npm install @segment/analytics-node) with this address; the ingest key is the write key.",
            _segment(url),
        ),
        Snippet(
            "posthog",
            "PostHog",
            "PostHog's own library (pip install posthog) with this address; the ingest key is the project key.",
            _posthog(url),
        ),
    ]


def _curl(url: str) -> str:
    return f"""export PLUMBLINE_KEY=...   # an ingest key of this project

curl "{url}/v1/events" \\
  -H "Authorization: Bearer $PLUMBLINE_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{{"service": "shop", "operation": "order_placed", "user_id": "u_1", "custom_attributes": {{"total": 42.5}}}}'"""


def _python(url: str) -> str:
    return f"""import json
import os
import urllib.request


def track(source: str, name: str, **properties: object) -> None:
    event = {{"service": source, "operation": name, "custom_attributes": properties}}
    request = urllib.request.Request(
        "{url}/v1/events",
        data=json.dumps(event).encode(),
        headers={{"Authorization": f"Bearer {{os.environ['PLUMBLINE_KEY']}}", "Content-Type": "application/json"}},
    )
    urllib.request.urlopen(request, timeout=5).close()


track("shop", "order_placed", total=42.5)"""


def _javascript(url: str) -> str:
    return f"""async function track(source, name, properties = {{}}) {{
  const answer = await fetch("{url}/v1/events", {{
    method: "POST",
    headers: {{
      Authorization: `Bearer ${{process.env.PLUMBLINE_KEY}}`,
      "Content-Type": "application/json",
    }},
    body: JSON.stringify({{ service: source, operation: name, custom_attributes: properties }}),
  }});
  if (!answer.ok) throw new Error(`Plumbline answered ${{answer.status}}`);
}}

await track("shop", "order_placed", {{ total: 42.5 }});"""


def _otlp(url: str) -> str:
    return f"""export OTEL_SERVICE_NAME=shop
export OTEL_EXPORTER_OTLP_ENDPOINT={url}
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
export OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer%20$PLUMBLINE_KEY\""""


def _segment(url: str) -> str:
    return f"""import {{ Analytics }} from "@segment/analytics-node";

const analytics = new Analytics({{
  writeKey: process.env.PLUMBLINE_KEY,
  host: "{url}",
  path: "/v1/batch",
}});
analytics.track({{ userId: "u_1", event: "order_placed", properties: {{ total: 42.5 }} }});
await analytics.closeAndFlush();"""


def _posthog(url: str) -> str:
    return f"""import os

from posthog import Posthog

posthog = Posthog(os.environ["PLUMBLINE_KEY"], host="{url}")
posthog.capture("order_placed", distinct_id="u_1", properties={{"total": 42.5}})
posthog.shutdown()"""

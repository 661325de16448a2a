"""A broker that speaks Kafka's protocol: the mock cluster inside librdkafka, which confluent-kafka brings along."""

from __future__ import annotations

import ctypes
from pathlib import Path

import confluent_kafka

_ERROR_BYTES = 512


class MockKafka:
    """One broker with its topics in memory, until `close`."""

    def __init__(self) -> None:
        libraries = Path(confluent_kafka.__file__).parent.parent / "confluent_kafka.libs"
        self._library = ctypes.CDLL(str(next(libraries.glob("librdkafka-*.so*"))))
        pointer, number, text = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
        self._call("rd_kafka_new", pointer, number, pointer, text, ctypes.c_size_t)
        self._call("rd_kafka_destroy", None, pointer)
        self._call("rd_kafka_mock_cluster_new", pointer, pointer, number)
        self._call("rd_kafka_mock_cluster_destroy", None, pointer)
        self._call("rd_kafka_mock_cluster_bootstraps", text, pointer)
        self._call("rd_kafka_mock_topic_create", number, pointer, text, number, number)
        self._call("rd_kafka_mock_group_initial_rebalance_delay_ms", None, pointer, ctypes.c_int32)
        error = ctypes.create_string_buffer(_ERROR_BYTES)
        self._client = self._library.rd_kafka_new(0, None, error, _ERROR_BYTES)
        assert self._client, error.value
        self._cluster = self._library.rd_kafka_mock_cluster_new(self._client, 1)
        assert self._cluster
        self._library.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, 100)

    def _call(self, name: str, result: type | None, *arguments: type) -> None:
        function = getattr(self._library, name)
        function.restype, function.argtypes = result, list(arguments)

    @property
    def address(self) -> str:
        """`host:port` of the broker."""
        return self._library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()

    def create_topic(self, name: str, partitions: int = 1) -> None:
        """A topic with so many partitions."""
        assert self._library.rd_kafka_mock_topic_create(self._cluster, name.encode(), partitions, 1) == 0

    def close(self) -> None:
        """End the broker."""
        self._library.rd_kafka_mock_cluster_destroy(self._cluster)
        self._library.rd_kafka_destroy(self._client)

"""What ingest takes in: throughput, checks, answers, memory, roads to the store, processes, spans."""

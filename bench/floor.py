"""The floor: one prepared statement that reads or inserts a text by primary key, nothing else."""

from __future__ import annotations

import os
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg2
import uvicorn

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]
JSON = [(b"content-type", b"application/fhir+json")]


class Floor:
    """GET /<key> reads, POST / inserts."""

    def __init__(self, url: str) -> None:
        session = psycopg2.connect(url)
        session.autocommit = True
        self.cursor = session.cursor()
        self.cursor.execute(
            "CREATE TABLE IF NOT EXISTS floor (key text PRIMARY KEY, content text NOT NULL);"
            "PREPARE read (text) AS SELECT content FROM floor WHERE key = $1;"
            "PREPARE write (text, text) AS INSERT INTO floor VALUES ($1, $2)"
        )

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["method"] == "GET":
            self.cursor.execute("EXECUTE read (%s)", (scope["path"][1:],))
            status, body = 200, self.cursor.fetchone()[0].encode()
        else:
            text, more = b"", True
            while more:
                message = await receive()
                text, more = text + message.get("body", b""), message.get("more_body", False)
            key = str(uuid.uuid4())
            self.cursor.execute("EXECUTE write (%s, %s)", (key, text.decode()))
            status, body = 201, key.encode()
        size = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": status, "headers": [*JSON, size]})
        await send({"type": "http.response.body", "body": body})


def serve(url: str, port: int) -> None:
    app: Any = Floor(url)
    uvicorn.run(
        app,
        port=port,
        loop="uvloop",
        http="httptools",
        lifespan="off",
        access_log=False,
        log_config=None,
    )


if __name__ == "__main__":
    serve(os.environ["FLOOR_DATABASE_URL"], int(os.environ["FLOOR_PORT"]))

"""The Realtime API on this machine: keys and calls over HTTP, and behind each call a WebRTC peer (aiortc) that answers.

The peer hears when the user stops, and says the next of its sentences.  Its clock counts the sound that it was sent, as
the API's does.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from contextlib import contextmanager
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import numpy as np
from ahead import thread_ahead
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from av import AudioFrame
from recorder_page import ASSISTANT, SCRIPT, clip
from second_opinion import RATE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiortc import RTCDataChannel

API_KEY, SHORT_LIVED = "the-key", "ek_1"
FRAME = RATE // 50
SILENCE_MS, PADDING_MS, LOUD = 600, 300, 0.01
_ANSWER_S = 10


class _Voice(MediaStreamTrack):
    """Silence, and what is put into `rest`, 20 ms at a time."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self.rest = np.zeros(0, np.float32)
        self.sent = 0
        self.begun_s = time.monotonic()

    async def recv(self) -> AudioFrame:
        await asyncio.sleep(max(0.0, self.begun_s + self.sent / RATE - time.monotonic()))
        sound, self.rest = self.rest[:FRAME], self.rest[FRAME:]
        samples = (np.pad(sound, (0, FRAME - len(sound))) * 32767).astype(np.int16)
        frame = AudioFrame.from_ndarray(samples[np.newaxis], format="s16", layout="mono")
        frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), self.sent
        self.sent += FRAME
        return frame


class _Peer:
    """One session."""

    def __init__(self) -> None:
        self.connection = RTCPeerConnection()
        self.voice = _Voice()
        self.channel: RTCDataChannel | None = None
        self.heard_samples = 0
        self.turn = 0
        self.count = 0
        self.tasks: set[asyncio.Task[None]] = set()

    async def answer(self, sdp: str) -> str:
        self.connection.on("track", lambda track: self.spawn(self.listen(track)))
        self.connection.on("datachannel", self.attach)
        await self.connection.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        self.connection.addTrack(self.voice)
        await self.connection.setLocalDescription(await self.connection.createAnswer())
        return str(self.connection.localDescription.sdp)

    def spawn(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def attach(self, channel: RTCDataChannel) -> None:
        self.channel = channel
        vad = {"type": "server_vad", "prefix_padding_ms": PADDING_MS, "silence_duration_ms": SILENCE_MS}
        session = {"type": "realtime", "id": "sess_local", "model": "local", "expires_at": int(time.time()) + 3600}
        self.tell("session.created", session=session | {"audio": {"input": {"turn_detection": vad}}})

    def tell(self, kind: str, **fields: Any) -> None:
        if self.channel and self.channel.readyState == "open":
            self.count += 1
            self.channel.send(json.dumps({"type": kind, "event_id": f"event_{self.count}", **fields}))

    async def listen(self, track: Any) -> None:
        """Hear the user; a turn has ended when nothing was loud for a while."""
        loud_samples, ended = 0, 0
        while True:
            frame = await track.recv()
            sound = frame.to_ndarray().astype(np.float32).reshape(-1) / 32768
            self.heard_samples += frame.samples
            loud = float(np.sqrt(np.mean(np.square(sound)))) > LOUD
            if loud:
                loud_samples, ended = loud_samples + frame.samples, self.heard_samples
            if loud and loud_samples == 5 * frame.samples:
                start_ms = (self.heard_samples - loud_samples) * 1000 // frame.sample_rate
                self.tell(
                    "input_audio_buffer.speech_started",
                    audio_start_ms=max(0, start_ms - PADDING_MS),
                    item_id=f"item_u{self.turn}",
                )
            if (
                loud_samples >= 5 * frame.samples
                and (self.heard_samples - ended) * 1000 >= SILENCE_MS * frame.sample_rate
            ):
                loud_samples = 0
                self.stopped(ended * 1000 // frame.sample_rate + SILENCE_MS)

    def stopped(self, audio_end_ms: int) -> None:
        item_id, line, self.turn = f"item_u{self.turn}", self.turn, self.turn + 1
        previous = {"previous_item_id": f"item_a{line - 1}" if line else None}
        self.tell("input_audio_buffer.speech_stopped", audio_end_ms=audio_end_ms, item_id=item_id)
        self.tell("input_audio_buffer.committed", item_id=item_id, **previous)
        content = [{"type": "input_audio", "transcript": None}]
        item = {"id": item_id, "type": "message", "role": "user", "status": "completed", "content": content}
        self.tell("conversation.item.added", item=item, **previous)
        self.spawn(self.reply(line))

    async def reply(self, line: int) -> None:
        """The answer; the user's text comes after it has begun, as it does in life."""
        user, text = SCRIPT["user"][line], SCRIPT["assistant"][line]
        response, item_id = f"resp_{line}", f"item_a{line}"
        item = {"id": item_id, "type": "message", "role": "assistant", "status": "in_progress", "content": []}
        self.tell("response.created", response={"id": response, "status": "in_progress", "output": []})
        self.tell("response.output_item.added", response_id=response, output_index=0, item=item)
        self.tell("conversation.item.added", previous_item_id=f"item_u{line}", item=item)
        self.tell("output_audio_buffer.started", response_id=response)
        sound = clip(ASSISTANT, text)
        self.voice.rest = sound
        place = {"response_id": response, "item_id": item_id, "output_index": 0, "content_index": 0}
        self.tell("response.output_audio_transcript.done", transcript=text, **place)
        self.tell(
            "conversation.item.input_audio_transcription.completed",
            item_id=f"item_u{line}",
            content_index=0,
            transcript=user,
        )
        done = item | {"status": "completed", "content": [{"type": "output_audio", "transcript": text}]}
        self.tell("response.done", response={"id": response, "status": "completed", "output": [done]})
        await asyncio.sleep(len(sound) / RATE)
        self.tell("output_audio_buffer.stopped", response_id=response)


class _Api(BaseHTTPRequestHandler):
    """`POST /v1/realtime/client_secrets` by the key, `POST /v1/realtime/calls` by the short-lived one."""

    server: _Server

    def do_OPTIONS(self) -> None:
        self.answer(204, b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        match self.path, self.headers["Authorization"]:
            case "/v1/realtime/client_secrets", authorization if authorization == f"Bearer {API_KEY}":
                assert json.loads(body)["session"]["type"] == "realtime"
                self.answer(200, json.dumps({"value": SHORT_LIVED, "expires_at": 1, "session": {}}).encode())
            case "/v1/realtime/calls", authorization if authorization == f"Bearer {SHORT_LIVED}":
                self.answer(201, self.server.call(body.decode()).encode())
            case _:
                self.answer(401, b"{}")

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        for name, value in (("Origin", "*"), ("Headers", "authorization, content-type"), ("Methods", "POST")):
            self.send_header(f"Access-Control-Allow-{name}", value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


class _Server(ThreadingHTTPServer):
    """The HTTP side in threads, the peers in one event loop of their own."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Api)
        self.loop = asyncio.new_event_loop()
        self.peers: list[_Peer] = []

    def call(self, offer: str) -> str:
        peer = _Peer()
        self.peers.append(peer)
        return asyncio.run_coroutine_threadsafe(peer.answer(offer), self.loop).result(_ANSWER_S)

    async def close_peers(self) -> None:
        for peer in self.peers:
            for task in list(peer.tasks):
                task.cancel()
            await peer.connection.close()


@contextmanager
def run_realtime_api() -> Iterator[str]:
    """The address of a running API, as `OPENAI_BASE_URL`."""
    with _Server() as server:
        server.loop.call_soon(thread_ahead)
        threads = [threading.Thread(target=work) for work in (server.serve_forever, server.loop.run_forever)]
        for thread in threads:
            thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1"
        finally:
            asyncio.run_coroutine_threadsafe(server.close_peers(), server.loop).result(_ANSWER_S)
            server.loop.call_soon_threadsafe(server.loop.stop)
            server.shutdown()
            for thread in threads:
                thread.join()
            server.loop.close()

"""The names of events: beta to GA, those that are read, and those that tell nothing about who said what.

Published names: the Realtime API's client and server events (GA and beta), and those of the Live API.
"""

from __future__ import annotations

GA_NAMES = {
    "conversation.item.created": "conversation.item.added",
    "response.audio.delta": "response.output_audio.delta",
    "response.audio.done": "response.output_audio.done",
    "response.audio_transcript.delta": "response.output_audio_transcript.delta",
    "response.audio_transcript.done": "response.output_audio_transcript.done",
    "response.text.delta": "response.output_text.delta",
    "response.text.done": "response.output_text.done",
    "transcription_session.created": "session.created",
    "transcription_session.updated": "session.updated",
    "transcription_session.update": "session.update",
}

CONTENT_NAMES = {"audio": "output_audio", "text": "output_text"}

TEXT_FRAGMENTS = frozenset(
    {
        "response.output_audio_transcript.delta",
        "response.output_text.delta",
        "conversation.item.input_audio_transcription.delta",
        "session.input_transcript.delta",
        "session.output_transcript.delta",
    }
)
"""Their `delta` is text."""

SOUND_FRAGMENTS = {
    "response.output_audio.delta": "delta",
    "session.output_audio.delta": "delta",
    "input_audio_buffer.append": "audio",
    "session.input_audio.append": "audio",
    "session.input_audio_buffer.append": "audio",
}
"""The field that has their sound, in base64."""

READ = frozenset(
    {
        *TEXT_FRAGMENTS,
        *SOUND_FRAGMENTS,
        "session.created",
        "session.updated",
        "session.update",
        "session.started",
        "session.closed",
        "error",
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.commit",
        "input_audio_buffer.committed",
        "input_audio_buffer.cleared",
        "input_audio_buffer.timeout_triggered",
        "conversation.item.create",
        "conversation.item.added",
        "conversation.item.done",
        "conversation.item.truncate",
        "conversation.item.truncated",
        "conversation.item.input_audio_transcription.completed",
        "conversation.item.input_audio_transcription.failed",
        "conversation.item.input_audio_transcription.segment",
        "response.created",
        "response.done",
        "response.output_item.added",
        "response.output_item.done",
        "response.content_part.added",
        "response.content_part.done",
        "response.output_audio_transcript.done",
        "response.output_text.done",
        "response.function_call_arguments.done",
        "response.mcp_call_arguments.done",
        "response.mcp_call.failed",
        "response.audio_timestamp.delta",
        "input_audio_buffer.dtmf_event_received",
        "transport.dtmf.received",
        "output_audio_buffer.started",
        "output_audio_buffer.stopped",
        "output_audio_buffer.cleared",
        "playback.played",
        "session.instructions.append",
        "session.commentary.append",
        "session.thinking.append",
        "session.instructions.appended",
        "session.commentary.appended",
        "session.thinking.appended",
        "session.delegation.created",
    }
)

TELL_NOTHING = frozenset(
    {
        "decision.completed",
        "decision.create",
        "decision.event",
        "decision.item.create",
        "decision.item.created",
        "decision.item.delete",
        "decision.item.deleted",
        "conversation.created",
        "conversation.item.delete",
        "conversation.item.deleted",
        "conversation.item.retrieve",
        "conversation.item.retrieved",
        "input_audio_buffer.clear",
        "mcp_list_tools.completed",
        "mcp_list_tools.failed",
        "mcp_list_tools.in_progress",
        "output_audio_buffer.clear",
        "rate_limits.updated",
        "response.cancel",
        "response.create",
        "response.function_call_arguments.delta",
        "response.mcp_call.completed",
        "response.mcp_call.in_progress",
        "response.mcp_call_arguments.delta",
        "response.audio_timestamp.done",
        "response.animation_blendshapes.delta",
        "response.animation_blendshapes.done",
        "response.animation_viseme.delta",
        "response.animation_viseme.done",
        "session.avatar.connect",
        "session.avatar.connecting",
        "response.output_audio.done",
        "info",
        "response.event",
        "response.item.create",
        "session.close",
        "session.input_audio.mute",
        "session.input_audio.muted",
        "session.input_audio.unmute",
        "session.input_audio.unmuted",
        "session.output_audio.fixture.play",
        "session.output_audio.fixture.played",
        "session.output_audio.fixture.playing",
        "session.paused",
        "session.resumed",
        "session.start",
        "session.usage.updated",
        "transport.answered",
        "transport.dtmf.send",
        "transport.dtmf.sent",
        "transport.failed",
        "transport.ringing",
    }
)
"""Known, and read no further: a retrieved item's sound is not that of the recording, a truncated one has no text."""

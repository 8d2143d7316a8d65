"""The depth of `events`: the logs of OpenAI's Realtime and Live APIs, from lines of JSON to turns of a conversation."""

"""MP3 as files have it: frames one behind another, between tags."""

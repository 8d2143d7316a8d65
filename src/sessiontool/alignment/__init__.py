"""The depth of `align`: from band levels and a log of utterances to places in the sound.

`band_levels`, `speech_activity`, `crosstalk` and `dual_mono` say where each channel speaks; `recorded_time` maps the
log to the output; `clock_offset` finds how far the log's clock is off; `channel_matching`, `assignment` and
`boundaries` give utterances their sound; `confidence` says how sure that is; `findings` what is odd about the
recording.
"""

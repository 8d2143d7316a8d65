"""The depth of `align`: from decoded sound and a log of utterances to places in the sound.

`activity` and `leak` say where each channel speaks; `axis` puts the log on the output's axis; `tracking` finds how
far the log's clock is off; `lanes`, `matching` and `snapping` give utterances their sound; `evidence` says how sure
that is; `soundcheck` what is odd about the recording.
"""

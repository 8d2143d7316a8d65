"""The depth of `captions`, one question a module.

    cues            the values: what was said where, and the captions made of it
    transcript      transcript.json and report.json -> what was said where
    sanitize        which characters may be in a caption at all
    markdown        the marks of Markdown, taken off
    languages       language and direction by script
    phrases         where phrases of text without spaces begin
    cell_width      how wide a text is shown: grapheme clusters and cells
    profiles        what a caption may look like: the rules of default, netflix, bbc, dcmp, podcast
    speakers        who speaks: names, labels, classes
    break_points    where a text may be broken, and the penalty of each place
    function_words  the articles, conjunctions and titles of some languages
    piece_times     when each piece of a text is said
    split           the turns of one speaker -> cues
    segmentation    where a turn is broken into cues, at the least penalty
    line_breaking   a cue's text -> balanced lines
    cue_timing      in and out: room to read, gaps, shortest and longest
    overlaps        cues that overlap -> one at a time, with a dash for each speaker
    quality_check   every cue that breaks its profile, and why
    formats/        cues -> WebVTT, SRT, TTML, ASS, plain text, podcast JSON, CSV

Nothing here does I/O, knows a store, or knows how an utterance was found in the sound.
"""

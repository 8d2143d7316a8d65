"""What the captions stage stands on, one question a module.

    cues        the values: what was said where, and the captions made of it
    transcript  transcript.json and report.json -> what was said where
    text        which characters may be in a caption at all
    width       how wide a text looks: grapheme clusters and cells
    profiles    what a caption may look like: the rules of default, netflix, bbc, dcmp, podcast
    speakers    who speaks: names, labels, classes
    phrases     where a text may be broken, and how much each place would hurt
    smallwords  the articles, conjunctions and titles of some languages
    clock       when each piece of a text is said
    split       what one speaker says at a stretch -> cues
    breaking    where that is broken, the cheapest way
    layout      a cue's text -> balanced lines
    timing      in and out: room to read, gaps, shortest and longest
    sequence    cues that overlap -> one at a time, with a dash for each speaker
    check       every cue that breaks its profile, and why
    formats/    cues -> WebVTT, SRT, TTML, ASS, plain text, podcast JSON, CSV

Nothing here does I/O, knows a store, or knows how an utterance was found in the sound.
"""

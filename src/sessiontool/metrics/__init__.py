"""The figures of a conversation, from where its utterances are in the sound: who talked, who waited, who interrupted.

    talk            transcript and report -> what was said when, and what was recorded at all
    turns           who follows whom: switches, response gaps, interruptions, monologues
    words           words a minute, questions, fillers
    definitions     what each figure is, its unit, and how far it may be off
    document        all of them as metrics.json

There are no scores, no opinions and no guesses at feelings.
"""

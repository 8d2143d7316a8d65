"""Long conversations made up for tests: always the same for a seed, told to the millisecond as a merge tells them."""

from __future__ import annotations

import random
from typing import Any

SENTENCES = """
Good morning, this is Dr. Weber from the clinic in Lindau, how can I help you today?
Hi, I would like to change the appointment that I made for my daughter last Tuesday.
Of course. Could you tell me her name and her date of birth, please?
Her name is Johanna Adler, and she was born on the 14 of March 2015.
Thank you. I can see it here: Thursday at 9.30, with Mrs. Okafor.
Right, but on Thursday she has a school trip, so we cannot come before 4 p.m.
Let me see what we have in the afternoon of the same week, because the following week is nearly full.
Well, if there is anything on Friday, that would be wonderful; otherwise we could wait.
On Friday there is one place left at 16:45, which is the last one of the day.
That sounds perfect, we will take it!
Very good, I have moved it: Friday at a quarter to five.
Do I need to bring anything, for example the insurance card or the letter from the eye doctor?
Please bring the card, the letter, and if you still have it the list of the medicine that she took in the winter.
She had 5 ml in the morning and 10 ml in the evening, for about three weeks, although we stopped early.
I am writing that down so that the doctor knows it before you come.
And how long will it take? I have to be at the station by 6.
It usually takes no longer than 25 minutes, although sometimes people have to wait.
Okay.
Yes.
Mm-hmm.
No, not at all.
Sorry, could you say that again?
One more thing: where can I park, since the street in front of your house was closed last time?
You can use the yard behind the building, the entrance is between the bakery and the bank.
Great, thanks a lot for your help.
You are welcome, and please call us if anything should change.
Goodbye!
""".strip().splitlines()
SPEAKERS = {"user": "Dana", "assistant": "Morgan"}


def dialogue(seed: int, *, minutes: float = 60, cells_a_second: tuple[float, float] = (11, 19)) -> dict[str, Any]:
    """A transcript (`sessiontool.transcript/1`) of two people who also interrupt one another."""
    chance = random.Random(seed)
    utterances: list[dict[str, Any]] = []
    now, last = 0.5, ""
    silent_since = dict.fromkeys(SPEAKERS, 0.0)
    while now < minutes * 60:
        role = chance.choice(list(SPEAKERS))
        waits = (0.05, 0.2, 0.4, 0.8, 1.5) if role == last else (-1.0, -0.3, 0.05, 0.2, 0.4, 0.8, 1.5)
        after_start = utterances[-1]["start_s"] + 0.2 if utterances else 0
        now = max(now + chance.choice(waits), after_start, silent_since[role] + 0.05)
        text = " ".join(
            chance.choice(SENTENCES) for _ in range(chance.choice((1, 1, 1, 2, 3) if role == "user" else (1, 2, 3, 5)))
        )
        length = max(0.15, len(text) / chance.uniform(*cells_a_second))
        utterances.append(
            {
                "id": f"u{len(utterances)}",
                "role": role,
                "speaker": SPEAKERS[role],
                "text": text,
                "start_s": round(now, 3),
                "end_s": round(now + length, 3),
                "status": "aligned",
                "confidence": 0.9,
                "interrupted": chance.random() < 0.05,
            }
        )
        silent_since[role] = now = now + length
        last = role
    return {
        "schema": "sessiontool.transcript/1",
        "session_id": "made-up",
        "duration_s": round(now + 1, 3),
        "utterances": utterances,
    }


def with_words(document: dict[str, Any]) -> dict[str, Any]:
    """The same with a time for each word, letters spread evenly and a breath of 20 ms between words."""
    for one in document["utterances"]:
        words, letters, place = one["text"].split(), len(one["text"].replace(" ", "")), 0
        length = one["end_s"] - one["start_s"]
        one["words"] = []
        for word in words:
            start = one["start_s"] + length * place / letters
            place += len(word)
            end = max(start, one["start_s"] + length * place / letters - 0.02)
            one["words"].append({"text": word, "start_s": round(start, 3), "end_s": round(end, 3)})
    return document

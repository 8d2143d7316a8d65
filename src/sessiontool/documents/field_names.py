"""What the fields of a log are called, by what they hold: lower case, without punctuation."""

from __future__ import annotations

from .lenient import words_of
from .moments import MS, NS, US, S

START = words_of(
    "tstart start starttime startedat startat startoffset starttimestamp startts tsstart timestart audiostart "
    "speechstart speechstarted speechstartedat startedspeakingat starts begin begintime beginat begins "
    "secondsfromstart offset timeincall onset t0 in from"
)

END = words_of(
    "tend end endtime endedat endat endoffset endtimestamp endts tsend timeend audioend speechend speechended "
    "speechstoppedat stoppedspeakingat ends stop stoptime stoppedat finish finishedat until t1 out to"
)

ARRIVED = words_of(
    "receivedat received arrivedat receivetime timestamp time ts t createdat created sentat loggedat recordedat "
    "eventtime datetime date at when epoch localtime isotime wallclock"
)

TIMES = {
    **dict.fromkeys(START, "start"),
    **dict.fromkeys(END, "end"),
    **dict.fromkeys(ARRIVED, "arrived"),
    **dict.fromkeys(["duration", "dur", "audioduration"], "duration"),
}

COUNTS = ("offset",)
"""Names of times that are also those of counts: a queue numbers its messages by their offsets."""

SURELY_TIMES = ("tstart", "tend")
"""The contract's own: whatever else they hold is reported as wrong."""

SUFFIX_UNITS = {
    **dict.fromkeys(words_of("ms millis milliseconds msec msecs"), MS),
    **dict.fromkeys(words_of("us micros microseconds"), US),
    **dict.fromkeys(words_of("ns nanos nanoseconds"), NS),
    **dict.fromkeys(words_of("s sec secs seconds"), S),
}
"""What the name of a time ends with, and the unit that it says."""

TEXT_NAMES = words_of(
    "text transcript content message utterance transcription msg title words body caption sentence phrase "
    "value said parts formatted display displaytext texts line punctuatedword word response voiceprompt log delta token"
)

FRAGMENTS = ("delta", "token")
"""Names of texts that go on in the next entry."""

IN_PARTS = words_of("transcript text content parts punctuatedword word display value stringvalue message")

ROLE_NAMES = words_of(
    "role speaker speakerrole sendertype participant participantname participantidentity sender author source "
    "from who actor party speakername speakerlabel speakerid identity persona side direction dir channel channelid "
    "track name sprecher locuteur hablante"
)

ROLE_NAMES_LAST = ("user", "username", "userid")
"""Names that some programs have for the speaker, and others for who owns the conversation."""

ROLE_KINDS = ("type", "kind", "event", "eventname", "frame", "frametype", "object", "classname")

KINDS = {"transcriptionframe": "user", "ttstextframe": "assistant", "llmtextframe": "assistant"}
"""Kinds of entries that only one of the two has: Pipecat's frames."""

ROLE_OBJECT = ("role", "name", "identity", "label", "type", "kind", "id")

FLAGS = {
    "isuser": ("user", "assistant"),
    "fromuser": ("user", "assistant"),
    "isassistant": ("assistant", "user"),
    "isagent": ("assistant", "user"),
    "isbot": ("assistant", "user"),
    "isai": ("assistant", "user"),
    "bot": ("assistant", "user"),
}

IDS = words_of("id itemid utteranceid messageid msgid turnid segmentid uuid turnorder")

LANGUAGES = words_of("language lang languagecode locale")

INTERRUPTED = words_of("interrupted isinterrupted wasinterrupted cutoff")

MORE = {"id": IDS, "language": LANGUAGES, "interrupted": INTERRUPTED, "heard_text": ("heardtext",)}

FINAL = {
    "final": False,
    "isfinal": False,
    "finalized": False,
    "partial": True,
    "ispartial": True,
    "interim": True,
    "isinterim": True,
    "endofturn": False,
}
"""Fields that say whether a result is an interim one, and the value that says so."""

HIDDEN = words_of("hidden ishidden deleted isdeleted deletedat removed")
"""Flags of entries that were not said, as a page sent them for itself, or that were taken back."""

SESSION_IDS = words_of(
    "session sessionid conversation conversationid call callid callsid room roomid roomname chatid thread threadid"
)

INTERIM_KINDS = (
    "type",
    "kind",
    "status",
    "transcripttype",
    "resulttype",
    "messagetype",
    "event",
    "state",
    "stage",
    "generationstage",
)

TYPED_FLAGS = words_of("fromtext istyped typed istext")
"""Flags of entries that were typed, where they are true, and spoken where they are false."""

MEDIA = words_of("medium modality inputmode inputtype inputmethod inputmodality")
"""Fields that say how something was said."""

INTERIM = frozenset(("partial", "interim", "intermediate", "speculative", "tentative", "preliminary"))

WRAPPERS = words_of(
    "data payload message utterance item node segment turn entry record event value doc body detail channel msg "
    "attributes kwargs"
)

SPANS = words_of("time times timestamp timestamps timespan span range interval timing")
"""Objects and pairs that hold the start and the end of an entry."""

BESIDE = ("attributes", "metadata", "labels", "tags", "stream", "profile")
"""Objects that may say who speaks, beside the text."""

CHOICES = ("alternatives", "nbest")
"""Lists of what may have been said, the likeliest first."""

// The documents of sessiontool, as TypeScript types.
// Made from the JSON Schemas in this folder by `python tests/schema_types.py --update`.

/** session.json: what the recorder knows.  Times in milliseconds are on the session clock: the page's monotonic clock, zero at `started_at`. */
export interface Session {
  schema?: "sessiontool.session/1";
  /** The id: also the name of the session's folder. */
  session_id: string;
  /** The instant of session-clock zero, RFC 3339. */
  started_at?: string;
  /** When the recording was finished; absent while it runs, and where the page went away. */
  ended_at?: string;
  /** The browser. */
  user_agent?: string;
  /** The role on each channel, left first. */
  channels?: string[];
  /** Role to the name that captions show, and whether the voice is synthetic. */
  speakers?: Record<string, string | Speaker>;
  /** One for each run of a MediaRecorder. */
  parts?: Part[];
  /** The Realtime sessions of the conversation, in order. */
  realtime_sessions?: RealtimeSession[];
  /** The files that the session was imported from. */
  recordings?: Recording[];
  /** What happened to the page while it recorded. */
  notes?: RecorderNote[];
  consent?: Consent;
  retention?: Retention;
  [other: string]: unknown;
}

/** One run of a MediaRecorder. */
export interface Part {
  /** Its number or name, as in the keys of its chunks. */
  part: number | string;
  /** Whose recorder it was, where each role has one of its own. */
  role?: string;
  mime_type?: string;
  /** What the recorder was started with. */
  timeslice_ms?: number;
  /** The call of `start()`. */
  start_ms?: number;
  /** The call of `stop()`; absent where there was none. */
  stop_ms?: number;
  pauses?: Pause[];
  /** The Realtime session that ran when the part began. */
  realtime_session_id?: string;
  /** When that session expires: seconds since 1970, or RFC 3339. */
  expires_at?: number | string;
  chunks?: Chunk[];
  [other: string]: unknown;
}

/** One `pause()` and `resume()`. */
export interface Pause {
  start_ms: number;
  end_ms: number;
  [other: string]: unknown;
}

/** One blob of a MediaRecorder. */
export interface Chunk {
  /** Its number within the part, from 0. */
  seq: number;
  /** Its size; 0 is a size. */
  bytes?: number;
  /** Its `dataavailable` event. */
  emitted_ms?: number;
  /** Of its bytes, in hexadecimal. */
  sha256?: string;
  [other: string]: unknown;
}

/** A session of the Realtime API. */
export interface RealtimeSession {
  id: string;
  /** Seconds since 1970. */
  expires_at?: number;
  /** When `session.created` came. */
  created_ms?: number;
  [other: string]: unknown;
}

/** Something that explains the recording: `lane-silent`, `page-hidden`, `microphone`, `recorder-error` and the like. */
export interface RecorderNote {
  t_ms: number;
  kind: string;
  [other: string]: unknown;
}

/** Who speaks: the name that captions show; synthetic: the voice is none of a person. */
export interface Speaker {
  name?: string;
  synthetic?: boolean;
  [other: string]: unknown;
}

/** Whether those who are heard agreed. */
export interface Consent {
  recorded?: boolean;
  policy?: string;
  who?: string[];
  /** Another name of who. */
  by?: string[];
  at?: string;
  [other: string]: unknown;
}

/** How long the session may be kept. */
export interface Retention {
  delete_chunks_after_days?: number;
  delete_all_after_days?: number;
}

/** A file that was imported, and is kept with the session. */
export interface Recording {
  file: string;
  /** What it was called. */
  name?: string;
  bytes?: number;
  sha256?: string;
  /** When it begins on the session clock. */
  start_ms?: number;
  /** The roles on its channels, left first. */
  channels?: string[];
  [other: string]: unknown;
}

/** One line of utterances.jsonl; times in seconds on the session clock. */
export interface Utterance {
  /** Made from its place where absent. */
  id?: string;
  /** `user` or `assistant`. */
  role: string;
  /** What was said. */
  text: string;
  /** May be seconds wrong. */
  t_start?: number | null;
  /** May be seconds wrong. */
  t_end?: number | null;
  /** Whether it was cut off. */
  interrupted?: boolean;
  /** What of the text could be heard, where that is known. */
  heard_text?: string;
  language?: string;
  [other: string]: unknown;
}

/** One line of events.jsonl or of a piece of it, events/<n>.jsonl: an event of the Realtime API as it was received or sent. */
export interface EventLine {
  /** The session clock when it was received or sent. */
  t_ms: number;
  from: "server" | "client";
  /** The id of the Realtime session whose data channel it came through, once that is known. */
  session?: string;
  /** The event as it is. */
  event: {
    type: string;
    [other: string]: unknown;
  };
  [other: string]: unknown;
}

/** transcript.json: the utterances with the places where they sound, in seconds of the recording. */
export interface Transcript {
  schema: "sessiontool.transcript/1";
  session_id: string;
  duration_s: number;
  utterances: TranscriptUtterance[];
  /** What nobody spoke, from an event log. */
  notes?: TranscriptNote[];
  /** The roles whose voice is none of a person. */
  synthetic?: string[];
  /** The ids of utterances that a person left out. */
  dropped?: string[];
  [other: string]: unknown;
}

/** Who said what, and where it sounds. */
export interface TranscriptUtterance {
  id: string;
  role: string;
  /** The name that captions show. */
  speaker?: string;
  text: string;
  /** Null where there is no sound of it. */
  start_s: number | null;
  /** Null where there is no sound of it. */
  end_s: number | null;
  status: "aligned" | "clipped" | "no_audio" | "unmatched";
  confidence: number;
  interrupted: boolean;
  /** What of the text was audible, where that is not all of it. */
  heard_text?: string;
  /** Start and end of each stretch of speech in it. */
  speech?: number[][];
  words?: Word[];
  language?: string;
  /** The times in the log, in seconds on the session clock; its text where that was corrected. */
  logged?: {
    t_start?: number | null;
    t_end?: number | null;
    text?: string;
    [other: string]: unknown;
  };
  /** Whether a person corrected the text or the speaker. */
  corrected?: boolean;
  [other: string]: unknown;
}

/** A sound of a word, by its name in ARPAbet. */
export interface Phone {
  phone: string;
  start_s: number;
  end_s: number;
  [other: string]: unknown;
}

/** A word that can be heard. */
export interface Word {
  text: string;
  start_s: number;
  end_s: number;
  source?: "aligned" | "spread" | "logged";
  phones?: Phone[];
  [other: string]: unknown;
}

/** Instructions, context, typed text, tool calls. */
export interface TranscriptNote {
  id: string;
  kind: string;
  /** Where in the recording it came. */
  at_s?: number | null;
  [other: string]: unknown;
}

/** report.json: what was found and done; written last. */
export interface Report {
  schema: "sessiontool.report/1";
  session_id: string;
  duration_s: number;
  status: "complete" | "repaired" | "partial";
  findings: Finding[];
  chunks: ReportChunk[];
  timeline: TimelineSpan[];
  outputs: Output[];
  inputs_fingerprint: string;
  report_sha256: string;
  [other: string]: unknown;
}

/** Something missing, damaged or doubtful. */
export interface Finding {
  code: string;
  severity: "info" | "warning" | "error";
  message: string;
  part?: string;
  seq?: number;
  byte_offset?: number;
  at_s?: number;
  lost_ms?: number;
  hint?: string;
  [other: string]: unknown;
}

/** What became of one chunk. */
export interface ReportChunk {
  key: string;
  part?: string;
  seq?: number | null;
  bytes: number;
  sha256?: string;
  packets?: number;
  verdict: "ok" | "empty" | "duplicate" | "foreign" | "altered" | "damaged" | "unread";
  payload_bytes?: number;
  structure_bytes?: number;
  damaged_bytes?: number;
  set_aside_bytes?: number;
  [other: string]: unknown;
}

/** A span of the output. */
export interface TimelineSpan {
  kind: "recorded" | "silence" | "filled";
  /** Of a silence, filled from another recording or not: `starved`, `lost`, `suspended`, `between_parts`, `between_slices` or `pause`. */
  cause?: string;
  /** First and last sample + 1, at 48 kHz. */
  output_samples: number[];
  session_ms?: number[] | null;
  [other: string]: unknown;
}

/** A file of the result. */
export interface Output {
  name: string;
  bytes: number;
  sha256: string;
  /** Captions were made of this transcript after somebody had edited it. */
  edited?: boolean;
  [other: string]: unknown;
}

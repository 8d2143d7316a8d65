// @ts-check
/**
 * Talks to a Realtime model over WebRTC, and goes on to a second session before the first one expires.
 *
 * A session ends after an hour at the latest and cannot be prolonged.  So a second one is opened in good time with its
 * microphone off, is given what was said so far, and takes over when nobody speaks.  The recorder runs on throughout.
 *
 * @typedef {import("./recorder.js").SessionRecorder} SessionRecorder
 * @typedef {(offer: string) => Promise<string>} Exchange SDP in, SDP out
 * @typedef {{role: "user" | "assistant", text: string}} Turn
 */

const ICE_WAIT_MS = 2000;
const OPEN_WAIT_MS = 15_000;
const LOOK_MS = 100;
const QUIET_MS = 400;
/** So long after the user's turn its text and its answer may come; a session that was left is kept as long. */
const ANSWER_WAIT_MS = 5000;
/** A session that nobody lets finish is left this long before it expires. */
const LAST_MOMENT_MS = 10_000;
const TRY_AGAIN_MS = 3000;

/** One Realtime session: a peer connection with a data channel.  Fires `turn`, and `lost` when it ends by itself. */
class Call extends EventTarget {
  id = "";
  expires_at_ms = Infinity;
  #user_speaks = false;
  #responds = false;
  #sounds = false;
  #quiet_from_ms = 0;
  #text_until_ms = 0;
  #remove = () => {};
  #cleanup = new AbortController();

  /** @param {SessionRecorder} recorder @param {boolean} is_heard whether the microphone is on */
  constructor(recorder, is_heard) {
    super();
    this.recorder = recorder;
    this.connection = new RTCPeerConnection();
    this.track = this.#microphone(is_heard);
    this.sender = this.connection.addTrack(this.track);
    this.connection.ontrack = ({ track }) => {
      this.stream = new MediaStream([track]);
      this.#remove = recorder.addAssistant(this.stream);
      this.dispatchEvent(new Event("sound"));
    };
    this.connection.onconnectionstatechange = () => this.connection.connectionState === "failed" && this.#lost();
    this.channel = this.connection.createDataChannel("oai-events");
    recorder.mirror(this.channel); // first, or an answer to an event would be logged before the event
    this.channel.onclose = () => this.#lost();
    recorder.addEventListener("microphone", () => this.#changeMicrophone(), { signal: this.#cleanup.signal });
    this.channel.addEventListener("message", ({ data }) => this.#received(JSON.parse(data)));
  }

  /** Connect, and wait for `session.created`.  @param {Exchange} exchange */
  async open(exchange) {
    await this.connection.setLocalDescription();
    await new Promise((resolve) => {
      this.connection.onicegatheringstatechange = () => this.connection.iceGatheringState === "complete" && resolve(undefined);
      setTimeout(resolve, ICE_WAIT_MS);
    });
    const created = new Promise((resolve, reject) => {
      this.addEventListener("created", resolve, { once: true });
      setTimeout(() => reject(new Error("the Realtime session did not begin")), OPEN_WAIT_MS);
    });
    created.catch(() => {});
    const sdp = await exchange(/** @type {RTCSessionDescription} */ (this.connection.localDescription).sdp);
    await this.connection.setRemoteDescription({ type: "answer", sdp });
    await created;
    return this;
  }

  /** @param {object} event */
  send(event) {
    if (this.is_open) this.channel.send(JSON.stringify(event));
  }

  /** Turn the microphone on or off: a session that is off hears silence.  @param {boolean} is_heard */
  hear(is_heard) {
    this.track.enabled = is_heard;
  }

  /** Send the recorder's present microphone. */
  async #changeMicrophone() {
    this.track.stop();
    this.track = this.#microphone(this.track.enabled);
    await this.sender.replaceTrack(this.track);
  }

  /** Whether nobody has been speaking for a moment, and no turn waits for its text or its answer. */
  get is_quiet() {
    const now_ms = performance.now();
    return !this.#user_speaks && !this.#responds && !this.#sounds && now_ms > Math.max(this.#quiet_from_ms, this.#text_until_ms);
  }

  get is_open() {
    return this.channel.readyState === "open";
  }

  close() {
    this.#cleanup.abort();
    this.channel.onclose = null;
    this.connection.close();
    this.track.stop();
    this.#remove();
  }

  /** @param {boolean} is_heard */
  #microphone(is_heard) {
    const track = /** @type {MediaStream} */ (this.recorder.microphone).getAudioTracks()[0].clone();
    track.enabled = is_heard;
    return track;
  }

  #lost() {
    this.dispatchEvent(new Event("lost"));
  }

  /** @param {any} event */
  #received(event) {
    const say = (/** @type {Turn["role"]} */ role) => {
      if (event.transcript) this.dispatchEvent(new CustomEvent("turn", { detail: { role, text: event.transcript } }));
    };
    const soon_ms = performance.now() + QUIET_MS;
    switch (event.type) {
      case "session.created":
        this.id = event.session.id;
        this.expires_at_ms = (event.session.expires_at ?? Infinity) * 1000;
        this.dispatchEvent(new Event("created"));
        break;
      case "input_audio_buffer.speech_started":
        this.#user_speaks = true;
        break;
      case "input_audio_buffer.speech_stopped":
        this.#user_speaks = false;
        this.#quiet_from_ms = this.#text_until_ms = performance.now() + ANSWER_WAIT_MS;
        break;
      case "conversation.item.input_audio_transcription.completed":
        say("user");
      // falls through
      case "conversation.item.input_audio_transcription.failed":
        this.#text_until_ms = 0;
        break;
      case "response.created":
        this.#responds = true;
        break;
      case "response.output_audio_transcript.done":
        say("assistant");
        break;
      case "response.done":
        this.#responds = false;
        this.#quiet_from_ms = soon_ms;
        break;
      case "output_audio_buffer.started":
        this.#sounds = true;
        break;
      case "output_audio_buffer.stopped":
      case "output_audio_buffer.cleared":
        this.#sounds = false;
        this.#quiet_from_ms = soon_ms;
        break;
    }
  }
}

/** A conversation over as many Realtime sessions as it takes.  Fires `turn` and `sound`. */
export class Conversation extends EventTarget {
  /** @type {Turn[]} */
  turns = [];
  /** @type {Call | undefined} */
  current;
  #is_over = false;

  /**
   * @param {object} options
   * @param {SessionRecorder} options.recorder
   * @param {Exchange} options.exchange
   * @param {string} options.instructions
   * @param {number} [options.lead_s] how long before a session expires the next one is opened
   */
  constructor({ recorder, exchange, instructions, lead_s = 300 }) {
    super();
    this.recorder = recorder;
    this.exchange = exchange;
    this.instructions = instructions;
    this.lead_s = lead_s;
  }

  async start() {
    const call = await this.#open(true);
    if (this.#is_over) call.close();
    else this.#take(call);
  }

  stop() {
    this.#is_over = true;
    this.current?.close();
  }

  /** Put something into the conversation that nobody says; it is logged as every event is.  @param {string} text */
  push(text) {
    const content = [{ type: "input_text", text }];
    this.current?.send({ type: "conversation.item.create", item: { type: "message", role: "system", content } });
  }

  /** A new session that knows the instructions and what was said.  @param {boolean} is_heard */
  async #open(is_heard) {
    const call = new Call(this.recorder, is_heard);
    call.addEventListener("turn", (event) => this.#said(/** @type {CustomEvent} */ (event).detail));
    call.addEventListener("sound", () => this.dispatchEvent(new CustomEvent("sound", { detail: call.stream })));
    try {
      await call.open(this.exchange);
    } catch (error) {
      call.close();
      throw error;
    }
    const input = { transcription: { model: "gpt-4o-mini-transcribe" } }; // or there is no text of the user
    call.send({ type: "session.update", session: { type: "realtime", instructions: this.instructions, audio: { input } } });
    for (const { role, text } of this.turns) {
      const content = [{ type: role === "user" ? "input_text" : "output_text", text }];
      call.send({ type: "conversation.item.create", item: { type: "message", role, content } });
    }
    return call;
  }

  /** @param {Turn} turn */
  #said(turn) {
    this.turns.push(turn);
    this.dispatchEvent(new CustomEvent("turn", { detail: turn }));
  }

  /** @param {Call} call */
  #take(call) {
    const before = this.current;
    this.current = call;
    before?.hear(false);
    call.hear(true);
    if (before) setTimeout(() => before.close(), ANSWER_WAIT_MS); // its last text may still come
    call.addEventListener("lost", () => call === this.current && this.#replace("realtime-lost"), { once: true });
    setTimeout(() => call === this.current && this.#replace("realtime-rollover"), this.#untilRollover(call));
  }

  /** @param {Call} call */
  #untilRollover(call) {
    const longest = 2 ** 31 - 1; // of a timer
    return Math.max(0, Math.min(longest, call.expires_at_ms - Date.now() - this.lead_s * 1000));
  }

  /** Open another session and let it take over, by itself when the present one is lost.  @param {string} why */
  async #replace(why) {
    const leaving = this.current;
    while (!this.#is_over && leaving === this.current) {
      try {
        const next = await this.#open(false);
        while (why === "realtime-rollover" && leaving && !this.#mayTakeOver(leaving) && next.is_open) {
          await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
        }
        if (this.#is_over || leaving !== this.current || !next.is_open) next.close();
        if (this.#is_over || leaving !== this.current) return;
        if (!next.is_open) throw new Error("the next session was lost before it took over");
        this.recorder.note(why, { from: leaving?.id, to: next.id });
        return this.#take(next);
      } catch (error) {
        this.recorder.note("realtime-unreachable", { error: String(error) });
        await new Promise((resolve) => setTimeout(resolve, TRY_AGAIN_MS));
      }
    }
  }

  /** @param {Call} leaving */
  #mayTakeOver(leaving) {
    const is_gone = this.#is_over || leaving !== this.current || !leaving.is_open;
    return is_gone || leaving.is_quiet || leaving.expires_at_ms - Date.now() < LAST_MOMENT_MS;
  }
}

/** The exchange with OpenAI, by a key that the server makes for this call.  @param {string} calls @returns {Exchange} */
export function openai(calls) {
  return async (offer) => {
    const signal = AbortSignal.timeout(OPEN_WAIT_MS);
    const key = await fetch("realtime/key", { method: "POST", signal });
    if (!key.ok) throw new Error(`no key for the Realtime API: ${await key.text()}`);
    const { value } = await key.json();
    const headers = { authorization: `Bearer ${value}`, "content-type": "application/sdp" };
    const answer = await fetch(calls, { method: "POST", body: offer, headers, signal });
    if (!answer.ok) throw new Error(`the Realtime API answered ${answer.status}: ${await answer.text()}`);
    return answer.text();
  };
}
